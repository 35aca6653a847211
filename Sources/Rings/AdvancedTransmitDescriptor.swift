public import DeviceMemory

/// Advanced transmit descriptors of 82576, I350, I210 and 82599: context (DTYP 2) and data (DTYP 3), 16 bytes each.
///
/// Source: I210 datasheet sections 7.2.2.2 and 7.2.2.3; the layouts are the same on the 82576.
public enum AdvancedTransmitFormat: TransmitDescriptorFormat {
    @inlinable public static var stride: Int { 16 }
    @inlinable public static var ringAlignment: Int { 128 }

    // Second word of a data descriptor: cmd_type_len in 31:0, olinfo_status in 63:32.
    @usableFromInline static var typeData: UInt64 { 3 << 20 }
    @usableFromInline static var typeContext: UInt64 { 2 << 20 }
    @usableFromInline static var contextIPv4: UInt64 { 1 << 10 }
    @usableFromInline static var endOfPacket: UInt64 { 1 << 24 }
    @usableFromInline static var insertFCS: UInt64 { 1 << 25 }
    @usableFromInline static var reportStatus: UInt64 { 1 << 27 }
    @usableFromInline static var extended: UInt64 { 1 << 29 }
    @usableFromInline static var segmentation: UInt64 { 1 << 31 }
    @usableFromInline static var popIXSM: UInt64 { 1 << (32 + 8) }
    @usableFromInline static var popTXSM: UInt64 { 1 << (32 + 9) }

    @inlinable public static var contextHoldsLength: Bool { false }

    @inlinable public static func writeContext(
        _ ring: DescriptorWords, index: Int, _ offload: TransmitOffload, frameLength: Int
    ) {
        let lengths = UInt64(offload.networkLength) | UInt64(offload.linkLength) &<< 9
        ring.store(index &* 2, lengths)
        // TUCMD: IPV4 (bit 10; clear is IPv6), L4T = TCP (01 in 12:11).
        let command = extended | typeContext | (offload.isIPv6 ? 0 : contextIPv4) | 1 << 11
        // Second half: IDX 0 in 6:4, L4LEN in 15:8, MSS in 31:16 (0: no segmentation).
        let l4 = UInt64(offload.transportLength) &<< (32 &+ 8)
        let segment = UInt64(offload.segmentSize) &<< (32 &+ 16)
        ring.store(index &* 2 &+ 1, command | l4 | segment)
    }

    @inlinable public static func writeData(
        _ ring: DescriptorWords, index: Int, buffer: IOVA, length: Int, isLast: Bool, _ offload: TransmitOffload?,
        frameLength: Int
    ) {
        ring.store(index &* 2, buffer.rawValue)
        var command = extended | typeData | insertFCS | (UInt64(truncatingIfNeeded: length) & 0xFFFF)
        if isLast { command |= endOfPacket | reportStatus }
        // PAYLEN (63:46) is the whole packet, and what is behind its headers when that is cut into segments.
        var payload = frameLength
        if let offload {
            if offload.tcpChecksum { command |= popTXSM }
            if offload.segmentSize != 0 {
                // Every segment has a header checksum of its own (IXSM), where headers have one.
                command |= offload.isIPv6 ? segmentation : segmentation | popIXSM
                payload &-= offload.headerLength
            }
        }
        ring.store(index &* 2 &+ 1, command | UInt64(truncatingIfNeeded: payload) &<< (32 &+ 14))
    }

    @inlinable public static func isDone(_ ring: DescriptorWords, index: Int) -> Bool {
        // DD is bit 0 of olinfo_status, the upper half of the second word.
        ring.loadAcquiring(index &* 2 &+ 1) & (1 << 32) != 0
    }
}
