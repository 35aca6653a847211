internal import DeviceMemory
internal import Packets

/// Frames on their way between descriptors, FIFO and wire.
extension ModelCore {
    /// Reads bytes `offset` on of the frame in `count` of ``pieces`` from `first` on into `target`; false when a read fails.
    mutating func gather(
        _ first: Int, _ count: Int, _ offset: Int, _ target: MutableByteView
    ) -> Bool {
        var skip = offset
        var filled = 0
        for i in first..<first &+ count where filled < target.count {
            let piece = pieces[i]
            if skip >= piece.length {
                skip &-= piece.length
                continue
            }
            let length = min(piece.length &- skip, target.count &- filled)
            let address = piece.address &+ UInt64(truncatingIfNeeded: skip)
            guard let source = iommu.read(address, length) else {
                flag(.accessRefused, address)
                return false
            }
            target.copy(source.bytes.readOnly, at: filled)
            filled &+= length
            skip = 0
        }
        return filled == target.count
    }

    /// Puts a tag into a frame that begins 4 bytes into `space`: the addresses move before it.
    static func insertTag(_ space: MutableByteView, type: UInt16, _ tag: UInt16) {
        let low = space.readOnly.le64(4)
        let high = space.readOnly.le32(12)
        space.setLE64(0, low)
        space.setLE32(8, high)
        space.setBE16(12, type)
        space.setBE16(14, tag)
    }

    /// Takes the tag out of the frame at the start of `space`, which then begins 4 bytes later: the addresses move over it.
    static func removeTag(_ space: MutableByteView) {
        let low = space.readOnly.le64(0)
        let high = space.readOnly.le32(8)
        space.setLE64(4, low)
        space.setLE32(12, high)
    }
}
