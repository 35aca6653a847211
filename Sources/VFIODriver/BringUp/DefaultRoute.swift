/// The interfaces that carry this machine's default route, by which its operator may be connected.
///
/// Those of this network namespace: procfs shows no others.
enum DefaultRoute {
    /// Names of interfaces with a default route, and of the interfaces below them (members of a bond or bridge, the
    /// parent of a VLAN).
    static func interfaces(_ tree: some SystemTree) -> Set<String> {
        var found: Set<String> = []
        // Interface, destination, gateway, flags, three counters, mask, all in hexadecimal.
        for line in tree.lines("/proc/net/route").dropFirst() {
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard fields.count >= 8, UInt32(fields[1], radix: 16) == 0, UInt32(fields[7], radix: 16) == 0,
                isUsed(fields[3])
            else { continue }
            found.insert(String(fields[0]))
        }
        // Destination, its prefix length, source, its prefix length, next hop, metric, two counters, flags, interface.
        for line in tree.lines("/proc/net/ipv6_route") {
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            guard fields.count >= 10, fields[0].allSatisfy({ $0 == "0" }), fields[1].allSatisfy({ $0 == "0" }),
                isUsed(fields[8])
            else { continue }
            found.insert(String(fields[9]))
        }
        var waiting = Array(found)
        while let name = waiting.popLast() {
            for entry in tree.names(in: "/sys/class/net/" + name) where entry.hasPrefix("lower_") {
                let lower = String(entry.dropFirst("lower_".count))
                if found.insert(lower).inserted { waiting.append(lower) }
            }
        }
        return found
    }

    /// RTF_UP without RTF_REJECT.
    private static func isUsed(_ flags: Substring) -> Bool {
        UInt32(flags, radix: 16).map { $0 & 0x1 != 0 && $0 & 0x200 == 0 } ?? false
    }
}
