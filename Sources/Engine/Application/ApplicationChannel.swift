public import DeviceMemory
internal import Rings

/// The shared memory between an engine and one application: records and linear bytes one way, returns and commands the
/// other. It may lie between two threads or two processes; neither side can make the other do more than skip an entry.
public struct ApplicationChannel: BitwiseCopyable, Sendable {
    /// Records in flight at most.
    public static let recordCapacity = 1 << 14
    /// Token ranges in flight at most.
    public static let returnCapacity = 1 << 14
    /// Commands in flight at most.
    public static let commandCapacity = 1 << 8
    /// Bytes of the linear ring.
    public static let linearBytes = 1 << 20
    /// Bytes of the send ring.
    public static let sendBytes = 1 << 16

    // 0: linear bytes consumed (application); 64: send bytes consumed (engine). Each in a cache line of its own.
    private static let gateStart = 128
    private static let control = gateStart + WakeupGate.bytes
    private static let records = control
    private static let returns = records + SPSCLayout.bytes(of: FragmentRecord.self, capacity: recordCapacity)
    private static let commands = returns + SPSCLayout.bytes(of: TokenRange.self, capacity: returnCapacity)
    private static let linear = commands + SPSCLayout.bytes(of: ApplicationCommand.self, capacity: commandCapacity)
    private static let sends = linear + linearBytes

    /// Bytes of shared memory that a channel takes.
    public static let bytes = sends + sendBytes

    let memory: MutableByteView

    /// The channel in `memory`, which was zeroed when it was made and outlives this value.
    public init(_ memory: MutableByteView) {
        precondition(memory.count >= ApplicationChannel.bytes)
        self.memory = memory
    }

    var recordRing: MutableByteView { part(Self.records, Self.returns) }
    var returnRing: MutableByteView { part(Self.returns, Self.commands) }
    var commandRing: MutableByteView { part(Self.commands, Self.linear) }
    var linearRing: MutableByteView { part(Self.linear, Self.sends) }
    var sendRing: MutableByteView { part(Self.sends, Self.bytes) }
    var linearConsumed: SharedWord64 { SharedWord64(memory, at: 0) }
    var sendConsumed: SharedWord64 { SharedWord64(memory, at: 64) }

    var gate: WakeupGate { WakeupGate(part(Self.gateStart, Self.control)) }

    private func part(_ start: Int, _ end: Int) -> MutableByteView { memory.slice(start, end - start) }
}
