/// How large the rings of a channel are: everything but the payload itself that an engine and an application share.
public struct ChannelShape: BitwiseCopyable, Sendable, Hashable {
    /// Records in flight at most: a power of two.
    public var recordCapacity: Int
    /// Token ranges in flight at most, in each return lane: a power of two.
    public var returnCapacity: Int
    /// Return rings, each with one producer: threads that return tokens use one each. 1 to ``maximumLanes``.
    public var returnLanes: Int
    /// Commands in flight at most: a power of two.
    public var commandCapacity: Int
    /// Bytes of the linear ring: a power of two of at least 512.
    public var linearBytes: Int
    /// Bytes of the send ring: a power of two.
    public var sendBytes: Int

    /// More return lanes than threads that one application consumes with.
    public static var maximumLanes: Int { 8 }

    /// Names every field.
    public init(
        recordCapacity: Int = 1 << 14, returnCapacity: Int = 1 << 14, returnLanes: Int = 4,
        commandCapacity: Int = 1 << 8, linearBytes: Int = 1 << 20, sendBytes: Int = 1 << 16
    ) {
        self.recordCapacity = recordCapacity
        self.returnCapacity = returnCapacity
        self.returnLanes = returnLanes
        self.commandCapacity = commandCapacity
        self.linearBytes = linearBytes
        self.sendBytes = sendBytes
    }

    /// What a channel has unless it is told otherwise: 2.8 MiB of address space, touched as far as it is used.
    public static var standard: ChannelShape { ChannelShape() }

    /// Whether rings of these sizes exist: a shape that came from elsewhere is asked before it is used.
    public var isValid: Bool {
        func isPower(_ value: Int, _ range: ClosedRange<Int>) -> Bool {
            range.contains(value) && value & (value - 1) == 0
        }
        return isPower(recordCapacity, 2...1 << 20) && isPower(returnCapacity, 1...1 << 20)
            && (1...Self.maximumLanes).contains(returnLanes) && isPower(commandCapacity, 1...1 << 16)
            && isPower(linearBytes, 512...1 << 30) && isPower(sendBytes, 64...1 << 30)
    }
}
