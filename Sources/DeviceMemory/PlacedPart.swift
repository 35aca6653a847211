/// Some bytes of a frame to transmit that stay where they are: the device reads them there, and no processor does.
///
/// Whoever queues a frame with parts is told of each part's ``label`` once the device is done with it.
@frozen public struct PlacedPart: BitwiseCopyable, Sendable, Hashable {
    /// Where the device reads.
    public var iova: IOVA
    /// Number of bytes, 1 to ``limit``.
    public var length: UInt32
    /// The queuer's own, never 0.
    public var label: UInt32

    /// The most bytes of one part: one descriptor's, which the 82574 takes up to its packet buffer's 20 KiB and the 82576 up
    /// to 64 KiB less one.
    @inlinable public static var limit: Int { 16384 }

    /// Names every field.
    @inlinable public init(iova: IOVA, length: UInt32, label: UInt32) {
        self.iova = iova
        self.length = length
        self.label = label
    }
}
