/// What a modelled controller has: each optional part may be missing, so that whoever probes a device can be shown to name it.
///
/// A missing part is missing as on a bus: its registers read 0 and drop writes, its capability is not in the list, its bits
/// do not stick.
public struct SoftNICCapabilities: Sendable, Hashable, BitwiseCopyable {
    /// Receive queues, and as many transmit queues: 1 to what the part has. The registers of others are absent.
    public var queues: Int
    /// MSI-X vectors; 0 takes the capability and its table away.
    public var vectors: Int
    /// Header split: without it, SRRCTL.DESCTYPE holds 0 and 1 only, and RCTL.DTYP 0.
    public var headerSplit = true
    /// Receive-side scaling: MRQC, RETA and RSSRK.
    public var receiveSideScaling = true
    /// Checksum verdicts of received frames: RXCSUM.
    public var receiveChecksum = true
    /// Checksum insertion and segmentation of transmitted frames: without it, POPTS and TSE of descriptors are ignored.
    public var transmitOffload = true

    /// All that a part has. QEMU's 82576 shows 10 of the 25 vectors.
    public init(_ model: SoftNICModel, _ preset: SoftNICPreset) {
        switch model {
        case .i82576:
            queues = 16
            vectors = preset == .qemu ? 10 : 25
        case .i82574:
            queues = 2
            vectors = 5
        case .i82599:
            queues = 128
            vectors = 64
        }
    }
}
