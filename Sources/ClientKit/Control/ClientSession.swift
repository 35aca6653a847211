public import DeviceMemory
internal import CShim
internal import Glibc

/// What a client asks a controller for, when it wants memory to receive into.
public struct AttachOptions: Sendable, Hashable {
    /// Size of one slot in bytes: a power of two from 2 KiB to 2 MiB.
    public var slotSize = 4096
    /// Bytes for slots.
    public var regionBytes = 16 << 20
    /// Whether tokens survive their connections, and come back with the binding; otherwise they come back when their connection
    /// is left.
    public var tokensOutliveConnections = false
    /// Whether bytes that arrive in host memory are put into the region too, so that every record is of the region.
    public var uniform = false
    /// Tokens that may be out at once; 0 is twice the slots, and 16 times the slots is the most there can be.
    public var tokenLimit = 0
    /// Bytes of the region, in whole slots, that are the client's to write to and to send from for as long as it has the region:
    /// the channel's event ``ChannelEvent/sendArea`` says where. Nothing arrives there.
    public var sendBytes = 0

    /// The defaults above.
    public init() {}

    var flags: UInt64 { (tokensOutliveConnections ? 1 : 0) | (uniform ? 2 : 0) }
}

/// How a listening port, or a connection, is served with slots.
public enum FlowService: Sendable, Hashable {
    /// So many slots are reserved for each connection: its window closes before slots run out, and nothing is dropped.
    case guaranteed(slots: Int)
    /// Slots are shared with the client's other connections.
    case shared

    var operand: UInt64 {
        switch self {
        case .guaranteed(let slots): UInt64(max(slots, 1))
        case .shared: 0
        }
    }
}

/// A client's connection to a controller: asks for memory, ports and connections, and is told what changes.
///
/// Unprivileged: all that it holds are the memory and the lines that the controller handed over. When this value ends, or the
/// process dies, the controller takes everything back at once.
public struct ClientSession: ~Copyable {
    /// A region as this client sees it.
    public struct Region: ~Copyable {
        /// Its number in records.
        public let number: UInt16
        /// Its last token is back: nothing names it any more, and its place is used for the next.
        fileprivate(set) var isGone = false
        /// Size of a slot in bytes.
        public let slotSize: Int
        let view: MappedView

        /// The payload; `nil` when a record reaches beyond the region.
        public func bytes(_ offset: UInt64, _ length: UInt32) -> MutableByteView? {
            guard offset <= UInt64(view.count), UInt64(length) <= UInt64(view.count) &- offset else { return nil }
            return view.bytes.slice(Int(offset), Int(length))
        }
    }

    private let link: ControlLink
    private var reference: UInt32 = 0
    private var channelMemory: MappedView?
    private var shape = ChannelShape.standard
    private var engineLine: WakeupLine?
    private var bellLine: WakeupLine?
    private var regions: Slab<Region>
    /// The number that the controller gave this client.
    public private(set) var clientNumber = 0
    /// Whether the controller has said that it ends, or is gone.
    public private(set) var isOver = false

    /// The present region, and past ones that wait for tokens, at most.
    private static let mostRegions = 64

    /// Connects to the controller that listens at `path`.
    public init(connectingTo path: String) throws(ClientError) {
        try self.init(over: ControlLink(connectingTo: path))
    }

    /// A session over a connected socket.
    public init(over link: consuming ControlLink) throws(ClientError) {
        self.link = link
        regions = Slab(capacity: Self.mostRegions)
        var hello = ControlMessage(.hello)
        hello.operands.0 = ApplicationChannel.magic
        hello.operands.1 = UInt64(ApplicationChannel.version)
        let answer = try ask(hello)
        guard answer.operands.0 == UInt64(ApplicationChannel.version) else {
            throw .protocolVersion(
                theirs: UInt32(truncatingIfNeeded: answer.operands.0), ours: ApplicationChannel.version)
        }
        clientNumber = Int(truncatingIfNeeded: answer.operands.1)
    }

    /// The socket's number, borrowed: it becomes readable when the controller has something to tell.
    public var fileDescriptor: Int32 { link.fileDescriptor }

    /// Asks for a region and a queue; afterwards ``makeClient()`` gives the end of the channel.
    public mutating func attach(_ options: AttachOptions) throws(ClientError) -> UInt16 {
        try attach(.attach, options, descriptor: -1)
    }

    /// As ``attach(_:)``, with memory of the client's own to receive into: a memfd sealed against shrinking, a page longer than
    /// the region, kept open here.
    public mutating func attach(
        _ options: AttachOptions, own: borrowing MemoryObject
    ) throws(ClientError) -> UInt16 { try attach(.attach, options, descriptor: own.fileDescriptor) }

    /// Asks for another region in place of the present one; connections go on, and what is held of the old one stays valid.
    public mutating func rehome(_ options: AttachOptions) throws(ClientError) -> UInt16 {
        try attach(.rehome, options, descriptor: -1)
    }

    /// As ``rehome(_:)``, to memory of the client's own.
    public mutating func rehome(
        _ options: AttachOptions, own: borrowing MemoryObject
    ) throws(ClientError) -> UInt16 { try attach(.rehome, options, descriptor: own.fileDescriptor) }

    private mutating func attach(
        _ operation: ControlOperation, _ options: AttachOptions, descriptor: Int32
    ) throws(ClientError) -> UInt16 {
        var message = ControlMessage(operation)
        message.operands.0 = UInt64(max(options.slotSize, 0))
        message.operands.1 = UInt64(max(options.regionBytes, 0))
        message.operands.2 = options.flags
        message.operands.3 = UInt64(max(options.tokenLimit, 0))
        message.operands.4 = UInt64(max(options.sendBytes, 0))
        return UInt16(truncatingIfNeeded: try ask(message, descriptor: descriptor).operands.0)
    }

    /// The application's end of the channel, once: after ``attach(_:own:)``. It must not outlive this session.
    public mutating func makeClient() throws(ClientError) -> ApplicationClient {
        guard let channel = channel() else { throw .refused(.notAttached) }
        return ApplicationClient(channel, wakeup: try engineWakeup(), bell: bellLine.take())
    }

    /// An end of the line that wakes the engine, for a thread that has a ``ReturnLane`` of its own.
    public func engineWakeup() throws(ClientError) -> WakeupLine {
        switch engineLine {
        case .some(let line): return try line.duplicate()
        case .none: throw .refused(.notAttached)
        }
    }

    /// The channel, for further ``ReturnLane``s; `nil` before ``attach(_:own:)``.
    public func channel() -> ApplicationChannel? {
        switch channelMemory {
        case .some(let memory): ApplicationChannel(memory.bytes, shape: shape)
        case .none: nil
        }
    }

    /// Accepts connections to `port` from now on.
    ///
    /// - Parameter needsRule: whether to refuse when the device cannot steer the port to this client's queue; otherwise its
    ///   payload may arrive in host memory.
    public mutating func listen(
        port: UInt16, _ service: FlowService, needsRule: Bool = true
    ) throws(ClientError) {
        var message = ControlMessage(.listen)
        message.operands.0 = UInt64(port)
        message.operands.1 = service.operand
        message.operands.2 = needsRule ? 0 : 1
        _ = try ask(message)
    }

    /// Accepts no further connections to `port`.
    public mutating func unlisten(port: UInt16) throws(ClientError) {
        var message = ControlMessage(.unlisten)
        message.operands.0 = UInt64(port)
        _ = try ask(message)
    }

    /// Opens a connection; `opened` or `closed` in the channel tells how it went. Returns its number in records.
    public mutating func connect(
        address: UInt32, port: UInt16, _ service: FlowService
    ) throws(ClientError) -> UInt32 {
        var message = ControlMessage(.connect)
        message.operands.0 = UInt64(address)
        message.operands.1 = UInt64(port)
        message.operands.2 = service.operand
        return UInt32(truncatingIfNeeded: try ask(message).operands.0)
    }

    /// Opens a connection over IPv6, to an address of which both halves are given in host order.
    public mutating func connect(
        high: UInt64, low: UInt64, port: UInt16, _ service: FlowService
    ) throws(ClientError) -> UInt32 {
        var message = ControlMessage(.connect)
        message.operands.1 = UInt64(port)
        message.operands.2 = service.operand
        message.operands.3 = high
        message.operands.4 = low
        return UInt32(truncatingIfNeeded: try ask(message).operands.0)
    }

    /// How a return by call went.
    public struct Returned: Sendable, Hashable {
        /// Tokens that were out and have come back.
        public var freed: Int
        /// Tokens that had been returned before.
        public var stale: Int
        /// Tokens that were never issued to this client.
        public var unknown: Int
    }

    /// Returns tokens by call: also of connections that are closed. At most 128 ranges and 1024 tokens are looked at.
    public mutating func giveBack(_ ranges: [TokenRange]) throws(ClientError) -> Returned {
        guard ranges.count <= ControlMessage.mostRanges else { throw .refused(.tooManyRanges) }
        var message = ControlMessage(.giveBack)
        message.operands.0 = UInt64(ranges.count)
        let answer = try ask(message, ranges: ranges)
        return Returned(
            freed: Int(truncatingIfNeeded: answer.operands.0), stale: Int(truncatingIfNeeded: answer.operands.1),
            unknown: Int(truncatingIfNeeded: answer.operands.2))
    }

    /// What the controller knows of this client's binding.
    public struct Status: Sendable, Hashable {
        /// The binding's number.
        public var binding: UInt16
        /// Slots of the present region.
        public var slots: Int
        /// Slots of it that are free.
        public var slotsFree: Int
        /// Tokens that are out.
        public var tokensOut: Int
        /// How long the oldest has been out, in nanoseconds.
        public var oldestAge: UInt64
        /// Past regions that wait for tokens.
        public var drainingRegions: Int
    }

    /// Asks for the binding's state.
    public mutating func status() throws(ClientError) -> Status {
        let answer = try ask(ControlMessage(.status))
        return Status(
            binding: UInt16(truncatingIfNeeded: answer.operands.0), slots: Int(truncatingIfNeeded: answer.operands.1),
            slotsFree: Int(truncatingIfNeeded: answer.operands.2),
            tokensOut: Int(truncatingIfNeeded: answer.operands.3), oldestAge: answer.operands.4,
            drainingRegions: Int(truncatingIfNeeded: answer.operands.5))
    }

    /// Gives region and queue back; tokens that are out come back with them.
    public mutating func detach() throws(ClientError) {
        _ = try ask(ControlMessage(.detach))
        // Their numbers may be the next region's.
        for i in 0..<regions.count { regions[i].isGone = true }
    }

    /// The payload that a record names; `nil` when it names none that this client has.
    public func payload(_ record: FragmentRecord) -> MutableByteView? {
        for i in 0..<regions.count where regions[i].number == record.region && !regions[i].isGone {
            return regions[i].bytes(record.offset, record.length)
        }
        return nil
    }

    /// Takes what the controller has told since, without waiting; ``isOver`` says whether it is still there.
    public mutating func takeNotices() throws(ClientError) {
        while true {
            switch link.receive(wait: false) {
            case .message(let received): try take(received)
            case .nothing: return
            case .nonsense: throw .badMessage(what: "a message")
            case .gone:
                isOver = true
                return
            }
        }
    }

    // MARK: messages

    private mutating func ask(
        _ request: ControlMessage, descriptor fd: Int32 = -1, ranges: [TokenRange] = []
    ) throws(ClientError) -> ControlMessage {
        var request = request
        reference &+= 1
        request.reference = reference
        guard link.send(request, descriptor: fd, ranges: ranges) else {
            isOver = true
            throw .controllerGone
        }
        while true {
            switch link.receive(wait: true) {
            case .message(let received):
                if received.message.reference == reference && received.message.operationCode == request.operationCode {
                    guard received.message.status == .done else { throw .refused(received.message.status) }
                    return received.message
                }
                try take(received)
            case .nothing: continue
            case .nonsense: throw .badMessage(what: "a message")
            case .gone:
                isOver = true
                throw .controllerGone
            }
        }
    }

    private mutating func take(_ notice: consuming ControlLink.Received) throws(ClientError) {
        let operands = notice.message.operands
        switch notice.message.operation {
        case .channel:
            var shape = ChannelShape()
            shape.recordCapacity = Int(truncatingIfNeeded: operands.1)
            shape.returnCapacity = Int(truncatingIfNeeded: operands.2)
            shape.returnLanes = Int(truncatingIfNeeded: operands.3)
            shape.commandCapacity = Int(truncatingIfNeeded: operands.4)
            shape.linearBytes = Int(truncatingIfNeeded: operands.5)
            shape.sendBytes = Int(truncatingIfNeeded: operands.6)
            guard shape.isValid, ApplicationChannel.bytes(of: shape) <= Int(truncatingIfNeeded: operands.0) else {
                throw .badMessage(what: "a channel's shape")
            }
            let size = Int(truncatingIfNeeded: operands.0)
            let view = try Self.map(notice.descriptor.take(), "channel", at: 0, size)
            self.shape = shape
            channelMemory = .some(consume view)
        case .line:
            guard let line = notice.descriptor.take() else {
                throw .badDescriptor(what: "a line", why: "it did not come")
            }
            if operands.0 == 0 {
                engineLine = WakeupLine(taking: line)
            } else {
                bellLine = WakeupLine(taking: line)
            }
        case .region:
            let view = try Self.map(
                notice.descriptor.take(), "region", at: Int(truncatingIfNeeded: operands.3),
                Int(truncatingIfNeeded: operands.1))
            try add(
                Region(
                    number: UInt16(truncatingIfNeeded: operands.0), slotSize: Int(truncatingIfNeeded: operands.2),
                    view: view))
        case .regionGone:
            for i in 0..<regions.count where UInt64(regions[i].number) == operands.0 { regions[i].isGone = true }
        case .goodbye: isOver = true
        default: break
        }
    }

    private mutating func add(_ region: consuming Region) throws(ClientError) {
        for i in 0..<regions.count where regions[i].isGone {
            regions[i] = region
            return
        }
        guard regions.count < Self.mostRegions else { throw .refused(.tooManyDraining) }
        regions.append(region)
    }

    private static func map(
        _ descriptor: consuming OwnedDescriptor?, _ what: String, at offset: Int, _ size: Int
    ) throws(ClientError) -> MappedView {
        guard let descriptor else { throw .badDescriptor(what: "the \(what)", why: "it did not come") }
        guard shim_cannot_shrink(descriptor.rawValue) else {
            throw .badDescriptor(what: "the \(what)", why: "it is not sealed against shrinking")
        }
        do {
            let object = try MemoryObject(name: what, taking: descriptor, at: offset, size: size)
            return try object.view(rights: .readWrite)
        } catch {
            throw .memory(error)
        }
    }
}
