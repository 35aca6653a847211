/// Which packets go to split queues.
public enum SplitTraffic: Sendable, Hashable {
    /// TCP, over IPv4 and IPv6.
    case tcp
    /// TCP, and UDP over IPv4.
    case tcpAndUDP
    /// TCP, and everything over IPv4.
    case ipv4
}

/// How a network controller is to be set up, whatever its family.
public struct NICConfiguration: Sendable, Hashable {
    /// Queues that split into a device region; one more queue, number 0, takes whole frames in host memory.
    public var splitQueues = 2
    /// Descriptors of each receive ring, a power of two.
    public var receiveDescriptors = 512
    /// Descriptors of the transmit ring, a power of two.
    public var transmitDescriptors = 512
    /// Size of one host header buffer in bytes; `nil` is what the family recommends.
    public var headerBytes: Int?
    /// Largest IP packet in bytes.
    public var mtu = 1500
    /// What is spread over the split queues; everything else goes to queue 0.
    public var split = SplitTraffic.tcp
    /// Groups, as hardware addresses of six bytes, whose frames are let in.
    public var groups: [[UInt8]] = []
    /// Seed of the RSS key, so that a peer cannot choose its queue.
    public var hashSeed: UInt64 = 1

    /// The defaults above.
    public init() {}
}

extension NICConfiguration {
    /// The 128 words of the multicast table for ``groups``, with offset 0 in RCTL.MO or MCSTCTRL.MO: bits 47:36 of an address
    /// choose one of its bits, so that other groups may pass as well.
    var multicastTable: [UInt32] {
        var table = [UInt32](repeating: 0, count: 128)
        for group in groups where group.count == 6 {
            let place = Int(group[4] >> 4) | Int(group[5]) << 4
            table[place >> 5] |= 1 << UInt32(place & 31)
        }
        return table
    }
}
