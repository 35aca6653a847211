/// How an 82576 is to be set up.
public struct I82576Configuration: Sendable, Hashable {
    /// Queues that split into a device region; one more queue, number 0, takes whole frames in host memory.
    public var splitQueues = 2
    /// Descriptors of each receive ring, a power of two.
    public var receiveDescriptors = 512
    /// Descriptors of the transmit ring, a power of two.
    public var transmitDescriptors = 512
    /// Size of one host header buffer in bytes: a multiple of 64, at most 960 (QEMU decodes 4 of the 6 bits).
    /// 192 holds the longest Ethernet, VLAN, IPv4 and TCP header.
    public var headerBytes = 192
    /// Largest IP packet in bytes.
    public var mtu = 1500
    /// Seed of the RSS key, so that a peer cannot choose its queue.
    public var hashSeed: UInt64 = 1

    /// The defaults above.
    public init() {}

    /// The 82576 stores frames of up to 9.5 KiB (82575 manual).
    public static let maximumMTU = 9728 - 14 - 8 - 4
    /// Size of a host-page slot for queue 0, in bytes: a power of two that holds a whole frame.
    public var hostSlotBytes: Int { mtu + 22 <= 2048 ? 2048 : 16384 }
    /// Size of a transmit buffer in bytes.
    public var transmitBufferBytes: Int { mtu + 22 <= 2048 ? 2048 : 10240 }
}
