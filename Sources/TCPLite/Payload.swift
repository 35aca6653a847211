internal import DeviceMemory
internal import PagePool

/// A segment's payload: bytes in host memory first, the rest in a slot.
struct Payload: ~Copyable {
    /// Position of the first byte.
    let start: SequenceNumber
    /// Position after the last byte.
    let end: SequenceNumber
    /// The bytes in host memory.
    let linear: ByteView
    /// What of the fragment has not been taken.
    var fragment: Fragment?
    /// Position of the first byte of ``fragment``.
    var fragmentStart: SequenceNumber
    /// The slot of the fragment, and where in it its first byte was before anything of it was taken.
    let slot: Netmem?
    let slotOffset: UInt32
    /// One's-complement sum of the whole payload, as the segment's checksum demands.
    let sum: UInt16

    /// `length` bytes of payload from `start` on, of which `linear` are in host memory.
    init(start: SequenceNumber, length: Int, linear: ByteView, fragment: consuming Fragment?, sum: UInt16) {
        self.start = start
        end = start + length
        self.linear = linear
        if let held = fragment {
            slot = held.netmem
            slotOffset = held.offset
            self.fragment = consume held
        } else {
            slot = nil
            slotOffset = 0
            self.fragment = nil
        }
        fragmentStart = start + linear.count
        self.sum = sum
    }

    /// Number of bytes.
    var length: Int { end.distance(from: start) }
}
