public import DeviceMemory

/// What a receive descriptor says once the device is done with it; decoded, not yet believed.
@frozen public struct ReceiveCompletion: BitwiseCopyable, Sendable {
    /// Which posted buffer this is about.
    public var buffer: UInt32
    /// Bytes the device claims to have written to the header buffer.
    public var headerLength: UInt32
    /// Bytes it claims to have written to the payload buffer.
    public var payloadLength: UInt32
    /// A header boundary was found.
    public var split: Bool
    /// The header was longer than its buffer.
    public var headerOverflow: Bool
    /// Last descriptor of its frame.
    public var endOfFrame: Bool
    /// The frame had a link error.
    public var frameError: Bool
    /// The transport checksum (and the IP header's, where there is one) was checked.
    public var checksumChecked: Bool
    /// At least one of the checked sums was bad.
    public var checksumBad: Bool
    /// RSS hash, 0 when there is none.
    public var hash: UInt32

    /// Names every field.
    @inlinable public init(
        buffer: UInt32, headerLength: UInt32, payloadLength: UInt32, split: Bool, headerOverflow: Bool,
        endOfFrame: Bool, frameError: Bool, checksumChecked: Bool, checksumBad: Bool, hash: UInt32
    ) {
        self.buffer = buffer
        self.headerLength = headerLength
        self.payloadLength = payloadLength
        self.split = split
        self.headerOverflow = headerOverflow
        self.endOfFrame = endOfFrame
        self.frameError = frameError
        self.checksumChecked = checksumChecked
        self.checksumBad = checksumBad
        self.hash = hash
    }
}

/// How a family of NICs lays out receive descriptors with separate header and payload buffers.
///
/// Stateless: the generic parameter of ``SplitReceiveQueue``.
public protocol SplitDescriptorFormat {
    /// Bytes a descriptor takes.
    static var stride: Int { get }
    /// What the tail register counts a descriptor as (82574 split: 2, in units of 16 bytes).
    static var tailUnit: UInt32 { get }
    /// Alignment of the ring's base and length in bytes.
    static var ringAlignment: Int { get }

    /// Writes descriptor `index` for a device to fill; the doorbell publishes it.
    static func post(_ ring: DescriptorWords, index: Int, payload: IOVA, header: IOVA)
    /// Reads descriptor `index` if the device is done with it: the done word once, with acquire, then the rest once.
    static func completion(_ ring: DescriptorWords, index: Int) -> ReceiveCompletion?
}

/// How a family of NICs lays out transmit descriptors.
public protocol TransmitDescriptorFormat {
    /// Bytes a descriptor takes.
    static var stride: Int { get }
    /// Alignment of the ring's base and length in bytes.
    static var ringAlignment: Int { get }

    /// Whether a context holds the length of the one frame that it is for, and must be written again for each that is cut
    /// into segments.
    static var contextHoldsLength: Bool { get }

    /// Writes a descriptor that tells the device where headers begin, for the frames after it.
    ///
    /// - Parameter frameLength: bytes of the frame that comes next, headers and all.
    static func writeContext(_ ring: DescriptorWords, index: Int, _ offload: TransmitOffload, frameLength: Int)
    /// Writes a descriptor with some bytes of a frame; the last one of a frame asks for a report when done.
    ///
    /// - Parameters:
    ///   - offload: what is asked for the whole frame.
    ///   - frameLength: bytes of the whole frame, headers and all.
    static func writeData(
        _ ring: DescriptorWords, index: Int, buffer: IOVA, length: Int, isLast: Bool, _ offload: TransmitOffload?,
        frameLength: Int)
    /// Whether the device has reported descriptor `index` done.
    static func isDone(_ ring: DescriptorWords, index: Int) -> Bool
}
