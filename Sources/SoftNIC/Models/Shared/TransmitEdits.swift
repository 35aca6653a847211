internal import DeviceMemory
internal import Packets

/// One segment of a transmission that the device cuts (TCP segmentation offload).
struct Segment: BitwiseCopyable {
    /// 0 for the first.
    var number: Int
    /// Offset of its payload in that of the whole.
    var offset: Int
    /// The last one.
    var isLast: Bool

    /// Turns the common header at the start of `frame` into this segment's: lengths, IPv4 identification, sequence number, flags.
    func edit(_ frame: MutableByteView, _ context: TransmitContext) {
        let network = context.linkLength
        let transport = network &+ context.networkLength
        let view = frame.readOnly
        if context.isIPv4 && network &+ 20 <= frame.count {
            frame.setBE16(network &+ 2, UInt16(truncatingIfNeeded: frame.count &- network))
            frame.setBE16(network &+ 4, view.be16(network &+ 4) &+ UInt16(truncatingIfNeeded: number))
            frame.setBE16(network &+ 10, 0)
        } else if network &+ 40 <= frame.count {
            frame.setBE16(network &+ 4, UInt16(truncatingIfNeeded: frame.count &- network &- 40))
        }
        guard context.transport == 1, transport &+ 20 <= frame.count else { return }
        frame.setBE32(transport &+ 4, view.be32(transport &+ 4) &+ UInt32(truncatingIfNeeded: offset))
        // FIN and PSH belong to the end of the data.
        if !isLast { frame[transport &+ 13] = view[transport &+ 13] & ~0x09 }
    }
}

/// Inserts the checksums that a frame's first descriptor asks for.
///
/// The IPv4 header's field must be 0, the transport's must hold the sum of the pseudo-header, without the length when the
/// device cuts segments: it adds up what it finds, as silicon does.
func insertChecksums(_ frame: MutableByteView, _ options: UInt32, _ context: TransmitContext, isSegment: Bool) {
    let network = context.linkLength
    let transport = network &+ context.networkLength
    // POPTS.IXSM, bit 8.
    if options &>> 8 & 1 != 0 && context.isIPv4 && context.networkLength >= 20 && transport <= frame.count {
        var sum = InternetChecksum()
        sum.add(frame.readOnly.slice(network, context.networkLength))
        frame.setBE16(network &+ 10, sum.complement)
    }
    // POPTS.TXSM, bit 9.
    guard options &>> 9 & 1 != 0 else { return }
    let field: Int
    switch context.transport {
    case 0: field = transport &+ 6
    case 1: field = transport &+ 16
    default: return
    }
    guard field &+ 2 <= frame.count else { return }
    var sum = InternetChecksum()
    sum.add(frame.readOnly.from(transport))
    if isSegment { sum.add(UInt16(truncatingIfNeeded: frame.count &- transport)) }
    // A UDP checksum of 0 would say "none" (RFC 768).
    let value = sum.complement
    frame.setBE16(field, context.transport == 0 && value == 0 ? 0xFFFF : value)
}

/// Inserts the one checksum that a legacy descriptor asks for (IC, bit 26): over all from CSS, bits 47:40, stored at CSO, bits
/// 23:16. Offsets beyond the frame insert nothing.
func insertLegacyChecksum(_ frame: MutableByteView, _ descriptor: UInt64) {
    let start = Int(descriptor &>> 40 & 0xFF)
    let field = Int(descriptor &>> 16 & 0xFF)
    guard descriptor &>> 26 & 1 != 0, start < frame.count, field &+ 2 <= frame.count else { return }
    var sum = InternetChecksum()
    sum.add(frame.readOnly.from(start))
    frame.setBE16(field, sum.complement)
}
