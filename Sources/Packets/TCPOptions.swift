public import DeviceMemory

/// The TCP options that this project understands, as one segment carried them.
@frozen public struct TCPOptions: BitwiseCopyable, Sendable, Hashable {
    /// Maximum segment size (RFC 9293, section 3.7.1); zero when absent.
    public var mss: UInt16
    /// Window scale (RFC 7323, section 2), not clamped; `nil` when absent.
    public var windowScale: UInt8?
    /// SACK-permitted (RFC 2018, section 2).
    public var sackPermitted: Bool
    /// Whether the timestamps option (RFC 7323, section 3) was there.
    public var hasTimestamps: Bool
    public var timestampValue: UInt32
    public var timestampEcho: UInt32
    /// Number of SACK blocks, and where the first begins within the bytes that were parsed.
    public var sackCount: Int
    public var sackOffset: Int
    /// An option had an illegal length; it and everything after it was ignored.
    public var isMalformed: Bool

    /// No options.
    @inlinable public init() {
        mss = 0
        windowScale = nil
        sackPermitted = false
        hasTimestamps = false
        timestampValue = 0
        timestampEcho = 0
        sackCount = 0
        sackOffset = 0
        isMalformed = false
    }

    /// Parses the bytes between the fixed header and the payload. Never fails: what cannot be understood is skipped.
    @inlinable @inline(__always) public init(_ bytes: ByteView) {
        self.init()
        if bytes.count == 0 { return }
        // The layout that RFC 7323, appendix A recommends and that nearly every data segment has.
        if bytes.count == 12 && bytes.be32(0) == 0x0101_080A {
            hasTimestamps = true
            timestampValue = bytes.be32(4)
            timestampEcho = bytes.be32(8)
            return
        }
        parse(bytes)
    }

    @usableFromInline mutating func parse(_ bytes: ByteView) {
        var at = 0
        while at < bytes.count {
            let kind = bytes[at]
            if kind == 0 { return }
            if kind == 1 {
                at += 1
                continue
            }
            guard at + 1 < bytes.count, bytes[at + 1] >= 2, at + Int(bytes[at + 1]) <= bytes.count else {
                isMalformed = true
                return
            }
            let length = Int(bytes[at + 1])
            take(kind, length, at, bytes)
            at += length
        }
    }

    private mutating func take(_ kind: UInt8, _ length: Int, _ at: Int, _ bytes: ByteView) {
        switch (kind, length) {
        case (2, 4): mss = bytes.be16(at + 2)
        case (3, 3): windowScale = bytes[at + 2]
        case (4, 2): sackPermitted = true
        case (8, 10):
            hasTimestamps = true
            timestampValue = bytes.be32(at + 2)
            timestampEcho = bytes.be32(at + 6)
        case (5, 10), (5, 18), (5, 26), (5, 34):
            sackOffset = at + 2
            sackCount = (length - 2) / 8
        case (2, _), (3, _), (4, _), (8, _), (5, _): isMalformed = true
        default: break
        }
    }
}

/// Writes options behind a TCP header; ``finish()`` pads them to a multiple of four bytes with zeros.
@frozen public struct TCPOptionWriter: BitwiseCopyable {
    @usableFromInline let space: MutableByteView
    @usableFromInline var used: Int

    /// Writes to the front of `space`, which has room for 40 bytes.
    @inlinable public init(_ space: MutableByteView) {
        self.space = space
        used = 0
    }

    /// Bytes written so far.
    @inlinable public var length: Int { used }

    /// Maximum segment size: kind 2.
    @inlinable public mutating func mss(_ value: UInt16) {
        space.setBE16(used, 0x0204)
        space.setBE16(used &+ 2, value)
        used &+= 4
    }

    /// Window scale behind a NOP: kind 3.
    @inlinable public mutating func windowScale(_ shift: UInt8) {
        space.setBE32(used, 0x0103_0300 | UInt32(shift))
        used &+= 4
    }

    /// SACK-permitted behind two NOPs: kind 4.
    @inlinable public mutating func sackPermitted() {
        space.setBE32(used, 0x0101_0402)
        used &+= 4
    }

    /// Timestamps behind two NOPs: kind 8.
    @inlinable public mutating func timestamps(value: UInt32, echo: UInt32) {
        space.setBE32(used, 0x0101_080A)
        space.setBE32(used &+ 4, value)
        space.setBE32(used &+ 8, echo)
        used &+= 12
    }

    /// The head of a SACK option of `count` blocks behind two NOPs: kind 5. Its blocks follow by ``sackBlock(_:_:)``.
    @inlinable public mutating func sack(count: Int) {
        space.setBE32(used, 0x0101_0500 | UInt32(truncatingIfNeeded: 2 &+ 8 &* count))
        used &+= 4
    }

    /// One block: first byte, and the byte after the last.
    @inlinable public mutating func sackBlock(_ left: UInt32, _ right: UInt32) {
        space.setBE32(used, left)
        space.setBE32(used &+ 4, right)
        used &+= 8
    }

    /// Pads with zeros (RFC 9293, section 3.1) and returns the length in bytes.
    @inlinable public mutating func finish() -> Int {
        while used & 3 != 0 {
            space[used] = 0
            used &+= 1
        }
        return used
    }
}
