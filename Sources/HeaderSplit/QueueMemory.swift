public import DeviceMemory

/// Host memory of one receive queue: its descriptors, and the header buffers.
///
/// It outlives the queue that uses it. A restart prepares the new queue in memory that no queue uses, and what the old one
/// leaves behind is there for the next restart, so that restarts allocate nothing. One queue at a time may use it, and until
/// the device has stopped that queue the device does.
@frozen public struct QueueMemory: BitwiseCopyable, Sendable {
    /// Descriptors.
    public let ring: HostBlock
    /// Header buffers; not looked at by a queue that takes whole frames.
    public let headers: HostBlock

    /// Names both blocks.
    @inlinable public init(ring: HostBlock, headers: HostBlock) {
        self.ring = ring
        self.headers = headers
    }
}

/// What a receive queue and the device have to do with each other.
@frozen @usableFromInline enum SplitQueueState: UInt8, Sendable {
    /// Every descriptor is posted and the device does not know it.
    case armed
    /// The device may complete descriptors.
    case running
    /// The device has stopped; descriptors that it completed before may still be taken.
    case halted
}
