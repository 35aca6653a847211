internal import DeviceMemory
internal import Timeline

/// One of the two contexts of a transmit queue: how headers are laid out, and what is to be inserted.
struct TransmitContext: BitwiseCopyable {
    /// IPLEN, bits 8:0 of the first double word.
    var networkLength = 0
    /// MACLEN, bits 15:9.
    var linkLength = 0
    /// VLAN, bits 31:16.
    var tag: UInt16 = 0
    /// TUCMD.IPV4, bit 10 of the third.
    var isIPv4 = false
    /// TUCMD.L4T, bits 12:11: 0 UDP, 1 TCP, 2 SCTP.
    var transport: UInt32 = 0
    /// L4LEN, bits 15:8 of the fourth.
    var transportLength = 0
    /// MSS, bits 31:16.
    var segmentSize = 0

    init() {}

    /// Decodes a context descriptor from its two words.
    init(_ first: UInt64, _ second: UInt64) {
        networkLength = Int(first & 0x1FF)
        linkLength = Int(first &>> 9 & 0x7F)
        tag = UInt16(truncatingIfNeeded: first &>> 16)
        isIPv4 = second &>> 10 & 1 != 0
        transport = UInt32(truncatingIfNeeded: second &>> 11 & 3)
        transportLength = Int(second &>> 40 & 0xFF)
        segmentSize = Int(second &>> 48)
    }
}

/// One buffer of a frame that is being collected.
struct TransmitPiece: BitwiseCopyable {
    var address: UInt64
    var length: Int
}

/// What a transmit queue's registers mean, and the frame that it is collecting.
struct TransmitQueueState: BitwiseCopyable {
    /// Descriptors that one frame may have.
    static var pieceLimit: Int { 64 }

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
    /// ENABLE as it is in effect.
    var enabled = false
    /// What a pending change will make of it.
    var enableTarget = false
    /// When it will.
    var enableDue = Instant.never
    /// The two contexts.
    var context0 = TransmitContext()
    var context1 = TransmitContext()

    /// Descriptors collected of the current frame.
    var pieces = 0
    /// Bytes collected.
    var length = 0
    /// cmd_type_len and olinfo_status of the frame's first descriptor, whose offloads rule.
    var command: UInt32 = 0
    var options: UInt32 = 0
    /// The second word of the last descriptor of a frame of legacy descriptors.
    var legacy: UInt64 = 0
    /// The frame has its last descriptor and is leaving.
    var isComplete = false
    /// Segments that have left.
    var segments = 0

    /// The frame has left, or is given up.
    mutating func startFrame() {
        pieces = 0
        length = 0
        legacy = 0
        isComplete = false
        segments = 0
    }

    /// The ring must be translated again.
    mutating func forgetTranslation() {
        words = nil
        bytes = nil
    }
}
