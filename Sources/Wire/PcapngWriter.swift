public import DeviceMemory
internal import Glibc
public import Timeline

/// Where a frame's payload lies, for a capture that does not hold it.
public struct CapturedFragment: Sendable, Hashable {
    /// Number of the region.
    public var region: UInt16
    /// Bytes from the region's start.
    public var offset: UInt64
    /// Bytes.
    public var length: UInt32

    /// `length` bytes at `offset` of `region`.
    public init(region: UInt16, offset: UInt64, length: UInt32) {
        self.region = region
        self.offset = offset
        self.length = length
    }
}

/// A pcapng file (draft-ietf-opsawg-pcapng) of received frames: one section, one Ethernet interface, nanosecond stamps. libpcap
/// reads the format and does not write it.
///
/// A frame whose payload is in a region is written with its headers and its whole length, and with a comment that says where
/// the payload is; readers show it as a frame that was cut. What is written reaches the file at the latest with ``flush()``.
public struct PcapngWriter: ~Copyable {
    private enum BlockType {
        static let sectionHeader: UInt32 = 0x0A0D_0D0A
        static let interfaceDescription: UInt32 = 1
        static let enhancedPacket: UInt32 = 6
    }

    private enum Option {
        static let end: UInt16 = 0
        static let comment: UInt16 = 1
        static let interfaceName: UInt16 = 2
        static let userApplication: UInt16 = 4
        static let timeResolution: UInt16 = 9
        static let packetFlags: UInt16 = 2
    }

    private static let flushBytes = 1 << 16

    private let descriptor: OwnedDescriptor
    private let path: String
    /// Added to every stamp: what the clock of 1970 says at the instant zero, in nanoseconds.
    private let epoch: UInt64
    private var pending: [UInt8] = []
    private var failure: Int32 = 0

    /// Creates `path`, or empties it, and begins a section. A named pipe is written to as it is.
    ///
    /// - Parameters:
    ///   - interface: the name that readers show.
    ///   - epoch: nanoseconds from 1970 to the instant zero.
    /// - Throws: ``WireError/cannotWriteCapture(path:reason:)``.
    public init(path: String, interface: String, epoch: UInt64) throws(WireError) {
        let fd = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard fd >= 0 else { throw .cannotWriteCapture(path: path, reason: systemMessage(errno)) }
        descriptor = OwnedDescriptor(taking: fd)
        self.path = path
        self.epoch = epoch
        pending.reserveCapacity(PcapngWriter.flushBytes + (1 << 15))
        beginBlock(BlockType.sectionHeader)
        put32(0x1A2B_3C4D)
        put16(1)
        put16(0)
        // The length of the section is not known: -1.
        put64(.max)
        putOption(Option.userApplication, text: "uiodrv")
        endBlock(from: 0)
        let begin = pending.count
        beginBlock(BlockType.interfaceDescription)
        // LINKTYPE_ETHERNET.
        put16(1)
        put16(0)
        // No frame is longer than it is cut to.
        put32(0)
        putOption(Option.interfaceName, text: interface)
        put16(Option.timeResolution)
        put16(1)
        pending.append(9)
        pad()
        endBlock(from: begin)
    }

    /// Adds a received frame; errors show at ``flush()``.
    ///
    /// - Parameters:
    ///   - front: the bytes of it that are in host memory.
    ///   - rest: those that follow, when they may be read; empty otherwise.
    ///   - length: how long the frame was.
    ///   - fragment: where the rest lies.
    public mutating func write(
        _ front: ByteView, _ rest: ByteView? = nil, length: Int, fragment: CapturedFragment?, at time: Instant
    ) {
        let begin = pending.count
        let captured = front.count + (rest?.count ?? 0)
        let stamp = time.nanoseconds &+ epoch
        beginBlock(BlockType.enhancedPacket)
        put32(0)
        put32(UInt32(truncatingIfNeeded: stamp >> 32))
        put32(UInt32(truncatingIfNeeded: stamp))
        put32(UInt32(clamping: captured))
        put32(UInt32(clamping: max(length, captured)))
        append(front)
        if let rest { append(rest) }
        pad()
        // Received, in no way that is known.
        put16(Option.packetFlags)
        put16(4)
        put32(1)
        if let fragment {
            putOption(
                Option.comment,
                text:
                    "payload: region \(fragment.region), offset 0x\(String(fragment.offset, radix: 16)), length \(fragment.length)"
            )
        }
        endBlock(from: begin)
        if pending.count >= PcapngWriter.flushBytes { drain() }
    }

    /// Hands everything written so far to the kernel.
    ///
    /// - Throws: ``WireError/cannotWriteCapture(path:reason:)``, also for what failed before.
    public mutating func flush() throws(WireError) {
        drain()
        guard failure == 0 else { throw .cannotWriteCapture(path: path, reason: systemMessage(failure)) }
    }

    // MARK: blocks

    private mutating func beginBlock(_ type: UInt32) {
        put32(type)
        // The total length, known at the block's end.
        put32(0)
    }

    /// Ends the options, and writes the block's length before and behind it (section 3.1).
    private mutating func endBlock(from begin: Int) {
        put16(Option.end)
        put16(0)
        let length = UInt32(truncatingIfNeeded: pending.count - begin + 4)
        for i in 0..<4 { pending[begin + 4 + i] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(i))) }
        put32(length)
    }

    private mutating func putOption(_ code: UInt16, text: String) {
        let bytes = text.utf8.prefix(Int(UInt16.max))
        put16(code)
        put16(UInt16(bytes.count))
        pending.append(contentsOf: bytes)
        pad()
    }

    /// Fields are aligned to 32 bits; blocks begin aligned.
    private mutating func pad() { while pending.count % 4 != 0 { pending.append(0) } }

    private mutating func put16(_ value: UInt16) {
        pending.append(UInt8(truncatingIfNeeded: value))
        pending.append(UInt8(truncatingIfNeeded: value >> 8))
    }

    private mutating func put32(_ value: UInt32) {
        put16(UInt16(truncatingIfNeeded: value))
        put16(UInt16(truncatingIfNeeded: value >> 16))
    }

    private mutating func put64(_ value: UInt64) {
        put32(UInt32(truncatingIfNeeded: value))
        put32(UInt32(truncatingIfNeeded: value >> 32))
    }

    private mutating func append(_ bytes: ByteView) {
        unsafe bytes.withUnsafeBytes { unsafe pending.append(contentsOf: $0) }
    }

    private mutating func drain() {
        var done = 0
        while done < pending.count && failure == 0 {
            let n = unsafe pending.withUnsafeBytes {
                unsafe Glibc.write(descriptor.rawValue, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if n >= 0 {
                done += n
            } else if errno != EINTR {
                failure = errno
            }
        }
        pending.removeAll(keepingCapacity: true)
    }
}
