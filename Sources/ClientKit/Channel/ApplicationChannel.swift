public import DeviceMemory
internal import Rings

/// The shared memory between an engine and one application: records and linear bytes one way, returns and commands the
/// other. It may lie between two threads or two processes; neither side can make the other do more than skip an entry.
///
/// The first 4096 bytes hold a description for clients in other languages (``describe()``), the words below, each in a
/// cache line of its own, and the counters; the rings follow. The C client's header has the same numbers, and a test
/// compares them.
public struct ApplicationChannel: BitwiseCopyable, Sendable {
    /// "uiodrvCH", little endian.
    public static let magic: UInt64 = 0x4843_7672_646F_6975
    /// Counts up when the layout changes.
    public static let version: UInt32 = 3

    enum Place {
        static let linearConsumed = 0x100
        static let sendConsumed = 0x140
        static let engineGate = 0x180
        static let clientGate = 0x200
        static let consumedThrough = 0x280
        static let counters = 0x400
        static let rings = 0x1000
    }

    /// Bytes of shared memory that a channel of the standard shape takes.
    public static let bytes = bytes(of: .standard)

    /// Bytes of shared memory that a channel of `shape` takes.
    public static func bytes(of shape: ChannelShape) -> Int { Parts(shape).end }

    /// Where the rings begin.
    struct Parts {
        let records: Int
        let returns: Int
        let lane: Int
        let commands: Int
        let linear: Int
        let sends: Int
        let end: Int

        init(_ shape: ChannelShape) {
            func line(_ value: Int) -> Int { (value + 63) & ~63 }
            records = Place.rings
            returns = records + line(SPSCLayout.bytes(of: FragmentRecord.self, capacity: shape.recordCapacity))
            lane = line(SPSCLayout.bytes(of: TokenRange.self, capacity: shape.returnCapacity))
            commands = returns + lane * shape.returnLanes
            linear = commands + line(SPSCLayout.bytes(of: ApplicationCommand.self, capacity: shape.commandCapacity))
            sends = linear + shape.linearBytes
            end = sends + shape.sendBytes
        }
    }

    /// Sizes of the rings, as this side believes them: never read from the memory again.
    public let shape: ChannelShape
    let memory: MutableByteView
    private let parts: Parts

    /// The channel in `memory`, which was zeroed when it was made and outlives this value.
    public init(_ memory: MutableByteView, shape: ChannelShape = .standard) {
        precondition(shape.isValid, "rings of these sizes do not exist")
        let parts = Parts(shape)
        precondition(memory.count >= parts.end)
        self.shape = shape
        self.memory = memory
        self.parts = parts
    }

    /// Writes what a client in another language needs to find the rings; the engine's side calls it once.
    public func describe() {
        memory.setLE64(0, Self.magic)
        memory.setLE32(8, Self.version)
        let numbers = [
            parts.end, parts.records, shape.recordCapacity, parts.returns, parts.lane, shape.returnCapacity,
            shape.returnLanes, parts.commands, shape.commandCapacity, parts.linear, shape.linearBytes, parts.sends,
            shape.sendBytes,
        ]
        for (i, number) in numbers.enumerated() { memory.setLE32(12 + 4 * i, UInt32(truncatingIfNeeded: number)) }
    }

    /// Records, towards the application.
    public var recordRing: MutableByteView {
        part(parts.records, SPSCLayout.bytes(of: FragmentRecord.self, capacity: shape.recordCapacity))
    }
    /// Token ranges of one lane, towards the engine.
    public func returnRing(lane: Int) -> MutableByteView {
        precondition(lane >= 0 && lane < shape.returnLanes)
        return part(
            parts.returns + lane * parts.lane, SPSCLayout.bytes(of: TokenRange.self, capacity: shape.returnCapacity))
    }
    /// Commands, towards the engine.
    public var commandRing: MutableByteView {
        part(parts.commands, SPSCLayout.bytes(of: ApplicationCommand.self, capacity: shape.commandCapacity))
    }
    /// Linear bytes, towards the application.
    public var linearRing: MutableByteView { part(parts.linear, shape.linearBytes) }
    /// Bytes to be sent, towards the engine.
    public var sendRing: MutableByteView { part(parts.sends, shape.sendBytes) }
    /// Linear bytes consumed: the application's word.
    public var linearConsumed: SharedWord64 { SharedWord64(memory, at: Place.linearConsumed) }
    /// Bytes taken from the send ring: the engine's word.
    public var sendConsumed: SharedWord64 { SharedWord64(memory, at: Place.sendConsumed) }
    /// The cumulative return: every token up to this number is given back. The application's word, or its device's.
    public var consumedThrough: SharedWord64 { SharedWord64(memory, at: Place.consumedThrough) }
    /// By which the application wakes the engine.
    public var engineGate: WakeupGate { WakeupGate(part(Place.engineGate, WakeupGate.bytes)) }
    /// By which the engine wakes the application.
    public var clientGate: WakeupGate { WakeupGate(part(Place.clientGate, WakeupGate.bytes)) }
    /// What the engine counts for this application.
    public var counters: ChannelCounters { ChannelCounters(part(Place.counters, ChannelCounters.bytes)) }

    private func part(_ start: Int, _ length: Int) -> MutableByteView { memory.slice(start, length) }
}
