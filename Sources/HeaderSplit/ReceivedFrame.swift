public import DeviceMemory
public import PagePool

/// How the device laid a frame out.
@frozen public enum SplitVerdict: UInt8, Sendable, Hashable {
    /// Header in host memory, payload (if any) in the slot.
    case split
    /// Not split: the frame fit the header buffer whole, or the device could not find a boundary.
    case unsplit
    /// The header did not fit its buffer: its rest is in the slot, where nobody reads it.
    case headerOverflow
}

/// What the device says of the checksums, as far as it can be believed.
@frozen public enum ChecksumVerdict: UInt8, Sendable, Hashable {
    /// The device checked the IP header (if any) and the transport checksum, and both were good.
    case good
    /// The device checked and at least one was bad.
    case bad
    /// The device did not check, or cannot.
    case unknown
}

/// One received frame: a checked view of its header bytes, what is in the slot, and two verdicts.
@frozen public struct ReceivedFrame: ~Copyable {
    /// The leading bytes of the frame in host memory, link header first. Valid until the burst ends.
    public let header: ByteView
    /// The rest of the frame, if it is in a slot. The device may have padded it: the IP length decides.
    public var fragment: Fragment?
    /// How the device laid the frame out.
    public let split: SplitVerdict
    /// What it says of the checksums.
    public let checksum: ChecksumVerdict

    /// Makes a frame; takes over the fragment.
    @inlinable public init(
        header: ByteView, fragment: consuming Fragment?, split: SplitVerdict, checksum: ChecksumVerdict
    ) {
        self.header = header
        self.fragment = fragment
        self.split = split
        self.checksum = checksum
    }
}
