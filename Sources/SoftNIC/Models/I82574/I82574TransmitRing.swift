internal import DeviceMemory

/// A context of the 82574: where headers and sums of a frame are, by byte offset.
struct I82574TransmitContext: BitwiseCopyable {
    /// IPCSS, IPCSO, IPCSE: first byte summed, where the sum goes, last byte summed.
    var networkStart = 0
    var networkField = 0
    var networkEnd = 0
    /// TUCSS, TUCSO, TUCSE; an end of 0 is the end of the frame.
    var transportStart = 0
    var transportField = 0
    var transportEnd = 0
    /// PAYLEN.
    var payloadLength = 0
    /// HDRLEN.
    var headerLength = 0
    /// MSS.
    var segmentSize = 0
    /// TUCMD.TCP.
    var isTCP = false
    /// TUCMD.IP.
    var isIPv4 = false

    init() {}

    /// Decodes a context descriptor from its two words.
    init(_ first: UInt64, _ second: UInt64) {
        networkStart = Int(first & 0xFF)
        networkField = Int(first &>> 8 & 0xFF)
        networkEnd = Int(first &>> 16 & 0xFFFF)
        transportStart = Int(first &>> 32 & 0xFF)
        transportField = Int(first &>> 40 & 0xFF)
        transportEnd = Int(first &>> 48)
        payloadLength = Int(second & 0xF_FFFF)
        headerLength = Int(second &>> 40 & 0xFF)
        segmentSize = Int(second &>> 48)
        isTCP = second &>> 24 & 1 != 0
        isIPv4 = second &>> 25 & 1 != 0
    }

    /// The same headers by length, as segmentation edits them.
    var lengths: TransmitContext {
        var context = TransmitContext()
        context.linkLength = networkStart
        context.networkLength = max(0, transportStart &- networkStart)
        context.isIPv4 = isIPv4
        context.transport = isTCP ? 1 : 0
        context.transportLength = max(0, headerLength &- transportStart)
        context.segmentSize = segmentSize
        return context
    }
}

/// What a transmit queue's registers mean, and the frame that it is collecting.
struct I82574TransmitRing: BitwiseCopyable {
    /// The ring through the IOMMU; `nil` when not translated (yet), or when that failed.
    var words: DescriptorWords?
    /// The same bytes, for the trace.
    var bytes: MutableByteView?
    /// Descriptors in the ring.
    var count = 0
    /// TDH.
    var head = 0
    /// TDT.
    var tail = 0
    /// The last context.
    var context = I82574TransmitContext()

    /// Descriptors collected of the current frame.
    var pieces = 0
    /// Bytes collected.
    var length = 0
    /// The second word of the frame's first data descriptor, whose offloads rule.
    var first: UInt64 = 0
    /// The second word of its last, whose tag rules.
    var last: UInt64 = 0
    /// The frame has its last descriptor and is leaving.
    var isComplete = false
    /// Segments that have left.
    var segments = 0

    /// The frame has left, or is given up.
    mutating func startFrame() {
        pieces = 0
        length = 0
        isComplete = false
        segments = 0
    }

    /// The ring must be translated again.
    mutating func forgetTranslation() {
        words = nil
        bytes = nil
    }
}
