public import Packets
public import Timeline

/// The address of the one interface that a stack speaks on.
public struct InterfaceConfiguration: Sendable, Hashable, BitwiseCopyable {
    /// The interface's hardware address.
    public var mac: MACAddress
    /// Its only IPv4 address.
    public var address: IPv4Address
    /// Bits of the netmask: destinations within are asked for by ARP directly.
    public var prefixLength: Int
    /// Where everything else goes; `nil` makes it unreachable.
    public var gateway: IPv4Address?
    /// Longest IP datagram in bytes, without link header. 68 at least (RFC 791).
    public var mtu: Int
    /// Its IPv6 addresses; `nil`, the default, leaves IPv6 alone, and so does an ``mtu`` under 1280 (RFC 8200, section 5).
    public var ipv6: IPv6Configuration?

    /// - Parameter mtu: 1500 is Ethernet's (RFC 894).
    public init(
        mac: MACAddress, address: IPv4Address, prefixLength: Int, gateway: IPv4Address? = nil, mtu: Int = 1500,
        ipv6: IPv6Configuration? = nil
    ) {
        self.mac = mac
        self.address = address
        self.prefixLength = prefixLength
        self.gateway = gateway
        self.mtu = mtu
        self.ipv6 = ipv6
    }
}

extension InterfaceConfiguration {
    /// Hardware addresses of the groups that a NIC has to let in: for IPv6 all nodes, and those who are solicited.
    public var groups: [MACAddress] {
        guard let ipv6 = ipv6?.checked else { return [] }
        let solicited = [ipv6.linkLocal, ipv6.address].compactMap { $0?.solicitedNode.groupMAC }
        return [IPv6Address.allNodes.groupMAC] + solicited
    }
}

/// The IPv6 addresses of an interface. Nothing is learned from routers, and nobody is asked whether an address is taken
/// (RFC 4862, section 5.4): whoever configures them sees to that.
public struct IPv6Configuration: Sendable, Hashable, BitwiseCopyable {
    /// The address on the link, of fe80::/10; ``Packets/IPv6Address/linkLocal(_:)`` makes one.
    public var linkLocal: IPv6Address
    /// The one further address, unicast and not of fe80::/10; `nil` keeps everything on the link.
    public var address: IPv6Address?
    /// Bits of ``address`` that those have in common who are asked for directly.
    public var prefixLength: Int
    /// Where everything else goes, a router's address on the link or within the prefix; `nil` makes it unreachable.
    public var gateway: IPv6Address?

    /// - Parameter prefixLength: 64 is what addresses of nearly every network have (RFC 4291, section 2.5.4).
    public init(
        linkLocal: IPv6Address, address: IPv6Address? = nil, prefixLength: Int = 64, gateway: IPv6Address? = nil
    ) {
        self.linkLocal = linkLocal
        self.address = address
        self.prefixLength = prefixLength
        self.gateway = gateway
    }

    /// Without what cannot be; `nil` without an address on the link.
    var checked: IPv6Configuration? {
        guard linkLocal.isLinkLocal else { return nil }
        var checked = self
        if let address, !address.isUnicast || address.isLinkLocal { checked.address = nil }
        if let gateway, !gateway.isUnicast { checked.gateway = nil }
        return checked
    }
}

/// Which algorithm a stack's senders use against congestion.
@frozen public enum CongestionControl: UInt8, Sendable, Hashable {
    /// Slow start and congestion avoidance of RFC 5681.
    case newReno
    /// CUBIC (RFC 9438): on paths with long round trips and large windows it finds back to a lost window in seconds.
    case cubic
}

/// Where initial sequence numbers come from.
@frozen public enum InitialSequence: Sendable, Hashable, BitwiseCopyable {
    /// A clock and a keyed function of the flow (RFC 6528).
    case keyed
    /// Always the same: for tests of what happens where numbers wrap, and for nothing else.
    case fixed(UInt32)
}

/// Everything about a stack that can be tuned. Memory that depends on it is set aside once, by ``TCPStack``'s initialiser.
public struct Configuration: Sendable, BitwiseCopyable {
    /// The interface.
    public var interface: InterfaceConfiguration

    // MARK: sizes

    /// Connections in all states, at most 1048576. Memory for them is taken as they open: see ``TCPStack``.
    public var maxConnections = 1024
    /// Passive connections of one listener that are not established yet; a further SYN is dropped, or takes the place of one
    /// that is older than ``openingGrace``. RFC 9293 leaves the number open; 256 was Linux's tcp_max_syn_backlog for a small
    /// host.
    public var backlog = 256
    /// Established connections of one listener that its owner has not been told of. Beyond that the last step of the
    /// handshake is ignored, so that the peer repeats it. 4096 is Linux's somaxconn.
    public var acceptBacklog = 4096
    /// How long a passive connection that is not established is safe from a newer one when its listener's ``backlog`` is full
    /// or no slots are left (RFC 4987, section 3.4): a round trip across a continent. Whoever floods with more than
    /// ``backlog`` SYNs in this time keeps peers out as often as not; a shorter time keeps out those that are further away.
    public var openingGrace = Interval.milliseconds(100)
    /// R: slots guaranteed to each flow. Zero for a stack without device memory, whose window depends on host memory alone.
    public var slotsPerFlow = 256
    /// Slots that the stack may promise in all, to all owners; leave out what the rings need.
    public var slotBudget = 4096
    /// Blocks of 256 bytes of host memory for payload that arrives in host memory, shared by all connections.
    public var linearBlocks = 4096
    /// Host-memory payload in bytes that one connection may have undelivered or with its application.
    public var linearBytesPerFlow = 256 << 10
    /// Bytes that a connection can have unsent or unacknowledged; rounded up to a power of two.
    public var sendBufferBytes = 64 << 10
    /// Send buffers that there are in all; `nil` for one for each connection, and 4096 at most. A connection takes one with the
    /// first byte that it queues and gives it back when everything is acknowledged. While none is left
    /// ``TCPStack/send(_:_:)`` takes nothing, and `sendSpaceAvailable` follows in turn. So many connections can have what
    /// their peers report by SACK remembered, too.
    public var sendBuffers: Int?
    /// Depth of ``TCPStack/output`` in frames; rounded up to a power of two.
    public var outputDepth = 256
    /// Disjoint out-of-order ranges that one connection may hold; data that would make a further one is dropped, which
    /// bounds the work per segment.
    public var outOfOrderRanges = 256
    /// Neighbours that ARP and neighbour discovery remember together.
    public var neighbours = 64

    // MARK: owners

    /// Applications that can be at the stack at once, at most 4096. Owner 0 is there from the start.
    public var owners = 1
    /// What owner 0 may have; `nil` gives it all slots of a stack for one owner, an equal part otherwise.
    public var defaultOwner: OwnerConfiguration?
    /// Ports that can be listened on at once.
    public var listeners = 256
    /// Bytes that one connection may deliver while others of its owner wait, give or take a fragment.
    public var deliveryQuantum = 64 << 10

    // MARK: options offered

    /// Largest segment, in bytes of payload, that is asked for and sent; `nil` takes what the MTU allows (RFC 6691).
    public var maximumSegmentSize: Int?
    /// Largest shift of the receive window (RFC 7323, section 2.2), 0 to 14; a flow uses the least that can tell what it may be
    /// offered. 7 lets a window of 8 MiB be told in steps of 128.
    public var windowScale: UInt8 = 7
    /// Whether timestamps (RFC 7323, section 3) are offered and accepted.
    public var timestamps = true
    /// Whether SACK (RFC 2018) is offered and accepted.
    public var selectiveAcknowledgement = true
    /// Whether data that came twice is reported in the first SACK block (RFC 2883).
    public var duplicateReports = true
    /// Where initial sequence numbers come from.
    public var initialSequence = InitialSequence.keyed

    // MARK: receiver

    /// In-order segments with data that bring about an ACK at once: 2 (RFC 9293, section 3.8.6.3; RFC 5681, section 4.2).
    public var acknowledgeEvery = 2
    /// Longest wait before in-order data is acknowledged. RFC 9293, section 3.8.6.3 allows under 500 ms; 40 ms is Linux's
    /// shortest, and stays clear of a sender's 200 ms retransmission floor.
    public var delayedAcknowledgement = Interval.milliseconds(40)
    /// Segments that neither device nor software could verify, in a row, before the application is told.
    public var untrustedLimit = 16
    /// Challenge ACKs (RFC 5961, section 7) of one connection in one ``challengeInterval``. Counted per connection, because
    /// a shared count can be watched from another connection (CVE-2016-5696).
    public var challengeLimit = 10
    /// The period that ``challengeLimit`` counts in: 5 s, the RFC's example.
    public var challengeInterval = Interval.seconds(5)

    // MARK: sender

    /// What is done about congestion. RFC 5681 is the standard's own; CUBIC does the same where round trips are short, which is
    /// where this stack lives, and costs 48 bytes more a connection.
    public var congestionControl = CongestionControl.newReno
    /// Initial retransmission timeout (RFC 6298, rule 2.1).
    public var initialRTO = Interval.seconds(1)
    /// Shortest retransmission timeout. RFC 6298, rule 2.4 recommends 1 s; 200 ms is what Linux uses, and deviates
    /// knowingly, because path times are well under a millisecond here.
    public var minimumRTO = Interval.milliseconds(200)
    /// Longest retransmission timeout (RFC 6298, rule 2.5 allows 60 s and more).
    public var maximumRTO = Interval.seconds(60)
    /// Initial congestion window in segments (RFC 6928).
    public var initialWindow = 10
    /// Segments that one ACK may add to the window in slow start: RFC 9406, section 4.2 recommends 8 for senders that do not
    /// pace. RFC 5681's 1 starves on receivers that acknowledge a burst at a time, as this one does.
    public var slowStartLimit = 8
    /// Whether small segments wait for outstanding data (Nagle; RFC 9293, section 3.7.4).
    public var nagle = true
    /// R2 for data and FIN: how long to go unanswered before giving up (RFC 9293, section 3.8.3: at least 100 s). The user
    /// timeout of a connection, see ``TCPStack/setUserTimeout(_:_:)``, takes its place.
    public var giveUp = Interval.seconds(120)
    /// R2 for SYN: at least 3 minutes (RFC 9293, section 3.8.3).
    public var giveUpOpening = Interval.seconds(180)
    /// Least path MTU that an ICMP message can bring about: Linux's floor, against forged tiny values (RFC 5927). IPv6 has one
    /// of its own, 1280 (RFC 8201, section 4).
    public var minimumPathMTU = 552
    /// Whether the device completes TCP checksums: the field then holds the pseudo-header's sum, TCP length included, and
    /// the frame's ``DeviceMemory/TransmitOffload`` says so.
    public var transmitChecksumOffload = false
    /// Whether the device cuts what is sent from a region into segments: the stack then hands over up to 64 KiB at once.
    public var segmentationOffload = false
    /// Runs of bytes that may be under way from regions at once, all connections together, 56 bytes each; 0: nothing is sent
    /// from regions.
    public var placedSends = 0

    // MARK: keep-alive

    /// Whether connections ask silent peers whether they are there; off by default, as RFC 9293, section 3.8.4 demands.
    /// ``TCPStack/setKeepAlive(_:_:now:)`` changes it for one.
    public var keepAlive = false
    /// Silence before the first question, or up to twice as much. RFC 9293, section 3.8.4: two hours at least by default.
    public var keepAliveIdle = Interval.seconds(7200)
    /// Time between questions that are not answered, and how many of them end a connection: Linux's 75 s and 9. An answer may
    /// get lost, so one must not be enough (RFC 9293, section 3.8.4).
    public var keepAliveInterval = Interval.seconds(75)
    /// See ``keepAliveInterval``.
    public var keepAliveProbes = 9

    // MARK: closing

    /// Maximum segment lifetime; TIME-WAIT lasts twice as long. RFC 9293 says 2 minutes; 30 s gives Linux's TIME-WAIT.
    public var msl = Interval.seconds(30)
    /// How long a connection that its application has left may stay in FIN-WAIT-2 (Linux's tcp_fin_timeout).
    public var orphanTimeout = Interval.seconds(60)

    // MARK: neighbours

    /// How long an ARP entry is good without asking again (RFC 1122, section 2.3.2.1: of the order of a minute).
    public var neighbourLifetime = Interval.seconds(60)
    /// The same of a neighbour over IPv6 that has confirmed its address (RFC 4861, section 10: REACHABLE_TIME).
    public var reachableTime = Interval.seconds(30)
    /// How long an IPv6 neighbour that has not confirmed its address may be sent to before it is asked (RFC 4861, section 10:
    /// DELAY_FIRST_PROBE_TIME).
    public var firstProbeDelay = Interval.seconds(5)
    /// Pause between requests for one address (RFC 1122, section 2.3.2.1: at most one a second; RFC 4861's RETRANS_TIMER).
    public var neighbourRetry = Interval.seconds(1)
    /// Requests before an address counts as unreachable.
    public var neighbourAttempts = 3

    /// The defaults for `interface`.
    public init(interface: InterfaceConfiguration) { self.interface = interface }
}
