internal import DeviceMemory

/// What a client asks of a controller, and what a controller tells a client: 64 bytes over a Unix socket that keeps message
/// boundaries (SOCK_SEQPACKET), each with at most one descriptor.
///
/// A request is answered by one message with the same operation and reference; notices come in between at any time.
@frozen public struct ControlMessage: BitwiseCopyable, Sendable, Hashable {
    /// Raw ``ControlOperation``.
    public var operationCode: UInt16
    /// Raw ``ControlStatus`` of an answer; 0 otherwise.
    public var statusCode: UInt16
    /// The request's number, repeated in its answer; 0 in notices.
    public var reference: UInt32
    /// Operands; see ``ControlOperation``.
    public var operands: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

    /// Bytes of a message; token ranges of a ``ControlOperation/giveBack`` follow behind.
    public static let bytes = 64
    /// Bytes of the longest message: 128 ranges of 16 bytes behind it.
    public static let longest = bytes + 16 * mostRanges
    /// Ranges of one ``ControlOperation/giveBack`` (the limit of Linux's SO_DEVMEM_DONTNEED).
    public static let mostRanges = 128

    /// A message without operands.
    public init(_ operation: ControlOperation, reference: UInt32 = 0, status: ControlStatus = .done) {
        operationCode = operation.rawValue
        statusCode = status.rawValue
        self.reference = reference
        operands = (0, 0, 0, 0, 0, 0, 0)
    }

    /// What it is; `nil` for a code of a newer version.
    public var operation: ControlOperation? { ControlOperation(rawValue: operationCode) }
    /// How a request went; ``ControlStatus/badRequest`` for a code of a newer version.
    public var status: ControlStatus { ControlStatus(rawValue: statusCode) ?? .badRequest }

    public static func == (lhs: ControlMessage, rhs: ControlMessage) -> Bool {
        lhs.operationCode == rhs.operationCode && lhs.statusCode == rhs.statusCode && lhs.reference == rhs.reference
            && lhs.list == rhs.list
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(operationCode)
        hasher.combine(reference)
        hasher.combine(list)
    }

    private var list: [UInt64] {
        [operands.0, operands.1, operands.2, operands.3, operands.4, operands.5, operands.6]
    }
}

/// Kinds of messages, with their operands.
@frozen public enum ControlOperation: UInt16, Sendable, CaseIterable {
    /// First message of a client: magic, version. Answer: version, client number.
    case hello = 1
    /// Asks for a region and a queue that fills it: slot size, bytes, flags (bit 0: tokens belong to the binding, not to their
    /// connections; bit 1: uniform placement), most tokens out (0: twice the slots; at most 16 times), bytes to send from, in
    /// whole slots of the region, of which the event ``ChannelEvent/sendArea`` tells where. With a descriptor: a memfd of the
    /// client's own, sealed against shrinking, instead of memory of the controller's. Answer: binding. Before it come
    /// ``channel``, two ``line`` and ``region``.
    case attach = 2
    /// Accept connections to a port: port, slots guaranteed to each (0: shared), flags (bit 0: also without a steering rule).
    case listen = 3
    /// Accept no more of them: port.
    case unlisten = 4
    /// Open a connection: IPv4 address, port, slots guaranteed, or with 0 for an IPv4 address the two halves of an IPv6 one behind
    /// the slots. Answer: connection.
    case connect = 5
    /// Return tokens: number of ranges, which follow the message. Answer: tokens freed, stale, unknown.
    case giveBack = 6
    /// Answer: binding, slots, slots free, tokens out, age of the oldest in nanoseconds, draining regions.
    case status = 7
    /// Another region in place of the present one, connections and all: as ``attach``. Before the answer comes ``region``.
    case rehome = 8
    /// Give the region and the queue back; tokens that are out come back with them.
    case detach = 9
    /// Bind any region to any queue: the controller's own privilege, refused to every client.
    case bind = 10
    /// Notice: the channel's memory comes as descriptor; bytes, and its shape in the order of ``ChannelShape``.
    case channel = 0x100
    /// Notice: a line comes as descriptor; 0 to wake the engine, 1 to be woken by.
    case line = 0x101
    /// Notice: a region comes as descriptor; its number in records, bytes for slots, slot size, where it begins in the file.
    case region = 0x102
    /// Notice: a region's last token is back; its number.
    case regionGone = 0x103
    /// Notice: the controller ends in good order.
    case goodbye = 0x104
}

/// How a request went.
@frozen public enum ControlStatus: UInt16, Error, Sendable, CaseIterable, CustomStringConvertible {
    case done = 0
    case badRequest
    case badVersion
    case notController
    case notAttached
    case attachedAlready
    case noQueue
    case noMemory
    case slotSize
    case slotTooSmall
    case regionTooSmall
    case badDescriptor
    case notSealed
    case tooShort
    case portTaken
    case noRule
    case tooManyRanges
    case tooManyDraining
    case tooManyClients
    case noSlots
    case unreachable
    case deviceGone
    case deviceFailed
    case noSending

    public var description: String {
        switch self {
        case .done: "done"
        case .badRequest: "the controller does not know such a request; use library and controller of one build"
        case .badVersion: "the controller speaks another version; use library and controller of one build"
        case .notController: "binding queues is the controller's own; ask it for a region with attach"
        case .notAttached: "there is no region yet; attach first"
        case .attachedAlready: "there is a region already; detach first, or ask for another with rehome"
        case .noQueue:
            "every receive queue is taken; wait for a client to leave, or give the controller more with --queues"
        case .noMemory: "the controller has no memory for such a region; ask for less"
        case .slotSize: "a slot must have 2K to 2M, a power of two that the device can fill"
        case .slotTooSmall: "a slot must hold a whole frame; choose larger slots, or a smaller MTU for the controller"
        case .regionTooSmall: "the region must have more slots than the queue has descriptors; ask for a larger one"
        case .badDescriptor: "the descriptor is not shared memory of which a region can be made; give a memfd"
        case .notSealed: "a region of one's own must be sealed against shrinking (F_SEAL_SHRINK)"
        case .tooShort: "the descriptor's memory is shorter than the region that was asked for"
        case .portTaken: "somebody listens on this port already; choose another"
        case .noRule: "the device has no steering rule left for this port; allow listening without, or wait"
        case .tooManyRanges: "at most 128 ranges can be returned in one call; use several, or the return ring"
        case .tooManyDraining: "too many regions of this client wait for their tokens; return some first"
        case .tooManyClients: "the controller serves as many clients as it can; wait for one to leave"
        case .noSlots: "fewer slots are left than the connection would be guaranteed; ask for fewer"
        case .unreachable: "there is no route to the address"
        case .deviceGone: "the device is gone; see the controller's messages"
        case .deviceFailed: "the device did not do what binding needs; see the controller's messages"
        case .noSending: "this controller sends from no region; send by copy, or ask for no bytes to send from"
        }
    }
}
