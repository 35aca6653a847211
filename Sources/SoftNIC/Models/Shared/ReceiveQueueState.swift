internal import DeviceMemory
internal import Timeline

/// What a receive queue's registers mean, kept beside them for the path.
struct ReceiveQueueState: BitwiseCopyable {
    /// The ring through the IOMMU; `nil` when not translated (yet), or when that failed.
    var words: DescriptorWords?
    /// The same bytes, for the trace.
    var bytes: MutableByteView?
    /// Descriptors in the ring.
    var count = 0
    /// RDH.
    var head = 0
    /// RDT.
    var tail = 0
    /// Descriptors before this one have been looked at since their tail write.
    var scanned = 0
    /// ENABLE as it is in effect.
    var enabled = false
    /// What a pending change will make of it.
    var enableTarget = false
    /// When it will.
    var enableDue = Instant.never
    /// BSIZEHDR in bytes.
    var headerSize = 0
    /// BSIZEPKT in bytes.
    var packetSize = 0
    /// DESCTYPE.
    var type: UInt32 = 0
    /// Legacy descriptors.
    var isLegacy = false
    /// RDMTS in descriptors.
    var threshold = 0
    /// Descriptors that are written back together; 1 is at once.
    var batch = 1
    /// Completed descriptors that are not written back yet, the first of them, and when they will be.
    var held = 0
    var heldFrom = 0
    var heldDue = Instant.never
    /// DROP_EN, or the queue's bit in QDE.
    var dropEnable = false

    /// Descriptors that the driver has posted and the device not used.
    var free: Int {
        guard enabled, head < count, tail < count else { return 0 }
        return tail >= head ? tail &- head : tail &+ count &- head
    }

    /// Whether a tail written now takes posted descriptors back, or passes the head: what is posted only grows.
    func movesBack(to newTail: Int) -> Bool {
        guard enabled, head < count, newTail < count else { return false }
        return (newTail >= head ? newTail &- head : newTail &+ count &- head) < free
    }

    /// The ring must be translated again.
    mutating func forgetTranslation() {
        words = nil
        bytes = nil
    }
}
