internal import DeviceMemory

/// A receive ring as its registers have it: positions in units of 16 bytes, whatever the size of a descriptor.
struct I82574ReceiveRing: BitwiseCopyable {
    /// The ring through the IOMMU; `nil` when not translated (yet), or when that failed.
    var words: DescriptorWords?
    /// The same bytes, for the trace.
    var bytes: MutableByteView?
    /// Units in the ring.
    var count = 0
    /// RDH.
    var head = 0
    /// RDT.
    var tail = 0
    /// Descriptors before this one have been looked at since their tail write.
    var scanned = 0

    /// Units that the driver has posted and the device not used. A tail outside is an empty ring (QEMU).
    var free: Int {
        guard head < count, tail < count else { return 0 }
        return tail >= head ? tail &- head : tail &+ count &- head
    }

    /// Whether a descriptor of `units` at `index` lies in the ring: at an odd one the last would not.
    func holds(_ index: Int, units: Int) -> Bool { index &+ units <= count }

    /// The position after a descriptor of `units` at `index`.
    func next(_ index: Int, units: Int) -> Int { index &+ units >= count ? 0 : index &+ units }

    /// The ring must be translated again.
    mutating func forgetTranslation() {
        words = nil
        bytes = nil
    }
}
