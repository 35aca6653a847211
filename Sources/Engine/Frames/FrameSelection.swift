/// Which received frames go to the application as frames, without TCP.
public enum FrameSelection: Sendable, Hashable {
    /// None: everything is the stack's.
    case none
    /// Every frame; the stack sees nothing and answers nothing.
    case all
    /// UDP datagrams to this port; everything else is the stack's, which answers ARP and echo requests.
    case udp(port: UInt16)
}

/// What became of frames that were selected, or might have been.
@frozen public struct FrameStatistics: Sendable, Hashable, BitwiseCopyable {
    /// Frames delivered.
    public var delivered: UInt64 = 0
    /// Of those: with a payload in the region.
    public var withPayload: UInt64 = 0
    /// Of those: UDP whose sender computed no checksum.
    public var withoutChecksum: UInt64 = 0
    /// Dropped: the application had no room for a record.
    public var noRoom: UInt64 = 0
    /// Dropped: a checksum was wrong.
    public var badChecksums: UInt64 = 0
    /// Dropped: payload in the region whose checksum the device did not check, and nobody else can.
    public var unverifiable: UInt64 = 0
    /// Dropped: lengths that contradict each other.
    public var malformed: UInt64 = 0
    /// Dropped: the header did not fit its buffer, so that a part of it is out of reach.
    public var headerOverflows: UInt64 = 0

    /// All zero.
    @inlinable public init() {}
}
