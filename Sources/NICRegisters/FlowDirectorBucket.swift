/// The hash by which the 82599's flow director finds the bucket of a perfect-match filter.
///
/// Driver and device must agree: a filter that is written under another bucket is never found. The algorithm is the one
/// of public drivers of the family: a filter's words, most significant byte first, are folded into two words that are
/// shifted and added without carry as the bits of the key say.
public enum FlowDirectorBucket {
    /// FDIRHKEY, as public drivers set it.
    public static let key: UInt32 = 0x3DAD_14E2
    /// FDIRSKEY, likewise.
    public static let signatureKey: UInt32 = 0x174D_3614

    /// Bucket, 13 bits, of an IPv4 flow; addresses and ports as numbers.
    ///
    /// - Parameter flowType: 1 is UDP, 2 TCP, 3 SCTP (FDIRCMD.FLOW_TYPE).
    public static func of(
        flowType: UInt8, source: UInt32, destination: UInt32, sourcePort: UInt16, destinationPort: UInt16,
        vlan: UInt16 = 0, flexible: UInt16 = 0, pool: UInt8 = 0
    ) -> UInt32 {
        // The filter's words: pool, flow type and VLAN; destination and source (IPv4 in the first of four words each);
        // ports; flexible bytes.
        let first = UInt32(pool) << 24 | UInt32(flowType) << 16 | UInt32(vlan)
        let ports = UInt32(sourcePort) << 16 | UInt32(destinationPort)
        var high = destination ^ source ^ ports ^ UInt32(flexible) << 16
        var low = high << 16 | high >> 16
        high ^= first ^ first >> 16
        var hash: UInt32 = 0
        if key & 1 != 0 { hash ^= low }
        if key & 1 << 16 != 0 { hash ^= high }
        low ^= first ^ first << 16
        for bit in UInt32(1)..<16 {
            if key & 1 << bit != 0 { hash ^= low >> bit }
            if key & 1 << (bit + 16) != 0 { hash ^= high >> bit }
        }
        return hash & 0x1FFF
    }

    /// The 16 bits of a port mask in the order in which FDIRTCPM and FDIRUDPM want them: reversed.
    public static func reversed(_ mask: UInt16) -> UInt16 {
        var result: UInt16 = 0
        for bit in 0..<16 where mask & 1 << bit != 0 { result |= 1 << (15 - bit) }
        return result
    }
}
