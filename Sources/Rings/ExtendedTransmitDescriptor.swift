public import DeviceMemory

/// The 82574's extended transmit descriptors (DEXT set): TCP/IP context (DTYP 0) and data (DTYP 1), 16 bytes each.
///
/// A context says where headers and sums are by byte offset, unlike ``AdvancedTransmitFormat``, which gives lengths.
public enum ExtendedTransmitFormat: TransmitDescriptorFormat {
    @inlinable public static var stride: Int { 16 }
    @inlinable public static var ringAlignment: Int { 128 }

    // Second word: length in 19:0, DTYP in 23:20, command in 31:24, STA in 39:32, options or HDRLEN in 47:40.
    @usableFromInline static var typeData: UInt64 { 1 << 20 }
    @usableFromInline static var endOfPacket: UInt64 { 1 << 24 }
    @usableFromInline static var insertFCS: UInt64 { 1 << 25 }
    @usableFromInline static var reportStatus: UInt64 { 1 << 27 }
    @usableFromInline static var extended: UInt64 { 1 << 29 }
    @usableFromInline static var contextTCP: UInt64 { 1 << 24 }
    @usableFromInline static var contextIPv4: UInt64 { 1 << 25 }
    @usableFromInline static var segmentation: UInt64 { 1 << 26 }
    @usableFromInline static var popIXSM: UInt64 { 1 << 40 }
    @usableFromInline static var popTXSM: UInt64 { 1 << (40 + 1) }
    @usableFromInline static var done: UInt64 { 1 << 32 }

    @inlinable public static var contextHoldsLength: Bool { true }

    @inlinable public static func writeContext(
        _ ring: DescriptorWords, index: Int, _ offload: TransmitOffload, frameLength: Int
    ) {
        let network = UInt64(offload.linkLength)
        let transport = network &+ UInt64(offload.networkLength)
        // IPCSS, IPCSO (the checksum is 10 bytes into IPv4), IPCSE (its last byte).
        let ip = network | (network &+ 10) &<< 8 | ((transport &- 1) & 0xFFFF) &<< 16
        // TUCSS, TUCSO (16 bytes into TCP), TUCSE 0: to the end of the packet. Two VLAN tags and all options fit 8 bits.
        let tcp = (transport & 0xFF) &<< 32 | ((transport &+ 16) & 0xFF) &<< 40
        ring.store(index &* 2, ip | tcp)
        // TUCMD.IP: clear is IPv6, whose header has no checksum to insert and whose length counts what follows it.
        var second = extended | contextTCP | (offload.isIPv6 ? 0 : contextIPv4)
        if offload.segmentSize != 0 {
            // PAYLEN 19:0 without headers, HDRLEN 47:40, MSS 63:48.
            let header = offload.headerLength
            second |= segmentation | UInt64(truncatingIfNeeded: frameLength &- header) & 0xF_FFFF
            second |= (UInt64(truncatingIfNeeded: header) & 0xFF) &<< 40 | UInt64(offload.segmentSize) &<< 48
        }
        ring.store(index &* 2 &+ 1, second)
    }

    @inlinable public static func writeData(
        _ ring: DescriptorWords, index: Int, buffer: IOVA, length: Int, isLast: Bool, _ offload: TransmitOffload?,
        frameLength: Int
    ) {
        ring.store(index &* 2, buffer.rawValue)
        // DTALEN has 20 bits, of which QEMU honours 16: a buffer is no longer than ``PlacedPart/limit`` or a frame.
        var second = (UInt64(truncatingIfNeeded: length) & 0xFFFF) | typeData | insertFCS | extended
        if isLast { second |= endOfPacket | reportStatus }
        if let offload {
            if offload.tcpChecksum { second |= popTXSM }
            if offload.segmentSize != 0 { second |= offload.isIPv6 ? segmentation : segmentation | popIXSM }
        }
        ring.store(index &* 2 &+ 1, second)
    }

    @inlinable public static func isDone(_ ring: DescriptorWords, index: Int) -> Bool {
        ring.loadAcquiring(index &* 2 &+ 1) & done != 0
    }
}
