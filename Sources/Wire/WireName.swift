/// Which wire a person asked for: `tap:NAME`, `pcap:FILE` or `dgram:LOCAL,REMOTE`.
public enum WireName: Sendable, Hashable {
    /// A TAP interface of this network namespace, existing or to be created.
    case tap(name: String)
    /// A capture file to replay.
    case pcap(path: String)
    /// A pair of Unix datagram socket paths.
    case datagram(local: String, remote: String)

    /// Reads the text of an option.
    ///
    /// - Throws: ``WireError/unknownWire(text:)``.
    public init(parsing text: String) throws(WireError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else { throw .unknownWire(text: text) }
        let rest = parts[1]
        switch parts[0] {
        case "tap":
            self = .tap(name: String(rest))
        case "pcap":
            self = .pcap(path: String(rest))
        case "dgram":
            let paths = rest.split(separator: ",", omittingEmptySubsequences: false)
            guard paths.count == 2 else { throw .unknownWire(text: text) }
            self = .datagram(local: String(paths[0]), remote: String(paths[1]))
        default:
            throw .unknownWire(text: text)
        }
    }
}
