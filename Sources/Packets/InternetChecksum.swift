public import DeviceMemory

/// The one's-complement sum of RFC 1071, kept unfolded until asked for.
///
/// Sums combine: the sum of a message is the sum of its parts, with the bytes of a part that starts at an odd offset
/// swapped (RFC 1071, section 2.B).
@frozen public struct InternetChecksum: BitwiseCopyable, Sendable, Hashable {
    @usableFromInline var sum: UInt64

    /// The empty sum.
    @inlinable public init() { sum = 0 }

    /// A sum that was folded before.
    @inlinable public init(folded: UInt16) { sum = UInt64(folded) }

    /// Adds a 16-bit word in host order.
    @inlinable public mutating func add(_ word: UInt16) { sum &+= UInt64(word) }

    /// Adds a 32-bit word in host order.
    @inlinable public mutating func add(_ word: UInt32) {
        sum &+= UInt64(word &>> 16) &+ UInt64(word & 0xFFFF)
    }

    /// Adds a 64-bit word in host order.
    @inlinable public mutating func add(_ word: UInt64) {
        // Its halves whole: 2^16 is 1 modulo 2^16 - 1, so folding comes to the same.
        sum &+= (word &>> 32) &+ (word & 0xFFFF_FFFF)
    }

    /// Adds bytes that start at an even offset of what is summed.
    public mutating func add(_ bytes: ByteView) {
        unsafe bytes.withUnsafeBytes { buffer in
            var words: UInt64 = 0
            var i = 0
            // Little-endian words, swapped once at the end: the sum is byte-order independent (RFC 1071, section 2.B). 32 bits
            // at a time in a 64-bit accumulator cannot overflow below 16 GiB.
            while i &+ 8 <= buffer.count {
                let word = unsafe buffer.loadUnaligned(fromByteOffset: i, as: UInt64.self)
                words &+= (word & 0xFFFF_FFFF) &+ (word &>> 32)
                i &+= 8
            }
            while i &+ 2 <= buffer.count {
                unsafe words &+= UInt64(buffer.loadUnaligned(fromByteOffset: i, as: UInt16.self))
                i &+= 2
            }
            if i < buffer.count { unsafe words &+= UInt64(buffer[i]) }
            let folded = InternetChecksum(unfolded: words).folded
            sum &+= UInt64(folded.byteSwapped)
        }
    }

    /// Adds a header, which starts at an even offset: in line and without a loop for the two lengths of nearly every TCP
    /// header, 20 bytes and 32 with timestamps.
    @inlinable @inline(__always) public mutating func add(header bytes: ByteView) {
        var words: UInt64
        if bytes.count == 32 {
            let a = bytes.le64(0)
            let b = bytes.le64(8)
            let c = bytes.le64(16)
            let d = bytes.le64(24)
            words = (a & 0xFFFF_FFFF) &+ (a &>> 32) &+ (b & 0xFFFF_FFFF) &+ (b &>> 32)
            words &+= (c & 0xFFFF_FFFF) &+ (c &>> 32) &+ (d & 0xFFFF_FFFF) &+ (d &>> 32)
        } else if bytes.count == 20 {
            let a = bytes.le64(0)
            let b = bytes.le64(8)
            words = (a & 0xFFFF_FFFF) &+ (a &>> 32) &+ (b & 0xFFFF_FFFF) &+ (b &>> 32) &+ UInt64(bytes.le32(16))
        } else {
            add(bytes)
            return
        }
        // Little-endian words, swapped once (RFC 1071, section 2.B).
        sum &+= UInt64(InternetChecksum(unfolded: words).folded.byteSwapped)
    }

    @inlinable init(unfolded: UInt64) { sum = unfolded }

    /// Adds the sum of a following part; `offset` is the number of bytes before it.
    @inlinable public mutating func combine(_ other: InternetChecksum, atOffset offset: Int) {
        let folded = other.folded
        sum &+= UInt64(offset & 1 == 0 ? folded : folded.byteSwapped)
    }

    /// The 16-bit one's-complement sum.
    @inlinable public var folded: UInt16 {
        var s = (sum & 0xFFFF_FFFF) &+ (sum &>> 32)
        s = (s & 0xFFFF) &+ (s &>> 16)
        s = (s & 0xFFFF) &+ (s &>> 16)
        s = (s & 0xFFFF) &+ (s &>> 16)
        return UInt16(truncatingIfNeeded: s)
    }

    /// The value for a header's checksum field.
    @inlinable public var complement: UInt16 { ~folded }
}
