internal import Packets
internal import TCPLite
internal import Timeline
internal import Wire

/// What `uiodrv peer` is asked to do.
public struct PeerOptions: Sendable {
    /// The wire's name, as seen from this end.
    public var wire = ""
    /// Own address, in the receiver's /24, or /64 with IPv6.
    public var address = "10.0.0.2"
    /// Address and port of the receiver; an IPv6 address is in brackets.
    public var receiver = "10.0.0.1:5001"
    /// Bytes over all flows, when there is no `input`.
    public var bytes: UInt64 = 64 << 20
    /// File that every flow sends.
    public var input: String?
    /// Connections, all at once.
    public var flows = 1
    /// Largest IP packet.
    public var mtu = 1500
    /// Sizes of messages, drawn evenly; `nil` is one endless message.
    public var messageMinimum: UInt64?
    /// Largest message in bytes.
    public var messageMaximum: UInt64?
    /// What the wire does to frames, in both directions.
    public var impairments = ImpairmentOptions()
    /// Everything random in the run follows from this.
    public var seed: UInt64 = 1
    /// Seconds that a receiver may be silent, before it answers and later.
    public var patienceS: UInt64 = 60

    /// The defaults above.
    public init() {}
}

/// The result of a peer's run.
public struct PeerResult: Encodable, Sendable {
    /// Everything was sent, acknowledged and closed in order.
    public var ok = false
    /// Why not, in one sentence each.
    public var problems: [String] = []
    /// Payload bytes handed to the connections.
    public var bytes: UInt64 = 0
    /// Time from the first connection's opening to the last one's end, in seconds.
    public var elapsedS = 0.0
    /// Payload per time, in 10^9 bit/s.
    public var goodputGbps = 0.0
    /// Payload bytes sent again.
    public var retransmittedBytes: UInt64 = 0
    /// What each connection sent; `peer` is this end, as the receiver names it.
    public var digests: [StreamResult] = []

    /// Nothing yet.
    public init() {}
}

extension Session {
    /// Opens connections over a wire, sends, and closes; problems of the transfer are in the result, problems of the set-up
    /// are thrown.
    public static func peer(_ options: PeerOptions, progress: (UInt64) -> Void) throws(SessionError) -> PeerResult {
        let plan = try options.plan()
        do {
            let capacity = options.mtu + 64
            let wire = Impaired(
                try OpenWire(WireName(parsing: options.wire)), receive: options.impairments.impairments,
                transmit: options.impairments.impairments, seed: options.seed, frameCapacity: capacity)
            var link = WireEnd(wire: wire)
            var peer = try SendingPeer(plan, now: monotonicNow())
            return drive(&peer, &link, progress)
        } catch let error as SessionError {
            throw error
        } catch {
            throw SessionError(error)
        }
    }

    private static func drive<W: Wire & ~Copyable>(
        _ peer: inout SendingPeer, _ link: inout WireEnd<W>, _ progress: (UInt64) -> Void
    ) -> PeerResult {
        var began: Instant?
        var rounds = 0
        var idle = 0
        while !peer.isFinished && link.failure == nil && !StopRequest.isMade {
            let now = monotonicNow()
            let worked = peer.poll(now: now, wire: &link)
            if began == nil && peer.statistics.established != 0 { began = now }
            idle = worked ? 0 : idle &+ 1
            if idle > 64 { pauseBriefly() }
            rounds &+= 1
            if rounds & 0xFFF == 0 { progress(peer.statistics.bytesSent) }
        }
        var result = PeerResult()
        result.digests = peer.results()
        result.bytes = result.digests.reduce(0) { $0 + $1.bytes }
        result.retransmittedBytes = peer.statistics.bytesRetransmitted
        if let began { result.elapsedS = (monotonicNow() - began).seconds }
        if result.elapsedS > 0 { result.goodputGbps = Double(result.bytes) * 8 / result.elapsedS / 1e9 }
        if let failure = link.failure { result.problems.append(failure.description) }
        let complete = result.digests.count { $0.complete }
        if StopRequest.isMade {
            result.problems.append("the run was interrupted; what it had reached is printed")
        } else if began == nil {
            result.problems.append("the receiver did not answer; start it, and name the same wire's other end")
        } else if complete < result.digests.count {
            result.problems.append("only \(complete) of \(result.digests.count) connections ended in order")
        }
        result.ok = result.problems.isEmpty
        return result
    }
}

extension PeerOptions {
    fileprivate func plan() throws(SessionError) -> SendingPlan {
        var plan = SendingPlan()
        guard let own = InternetAddress(address) else {
            throw SessionError("\(address) is no address; write it as 10.0.0.2 or fd00::2")
        }
        guard let (other, port) = InternetAddress.parse(withPort: receiver) else {
            throw SessionError("\(receiver) is no address with a port; write it as 10.0.0.1:5001 or [fd00::1]:5001")
        }
        // An IPv4 address is the last 32 bits of what is compared.
        guard own != other, own.isIPv4 == other.isIPv4,
            own.mapped.shares(prefixLength: own.isIPv4 ? 120 : 64, with: other.mapped)
        else {
            throw SessionError(
                "\(address) and \(receiver) must be two addresses of one /24, or one /64 with IPv6; change --address")
        }
        guard own.isIPv4 || mtu >= 1280 else {
            throw SessionError("IPv6 needs an MTU of 1280 at least; raise --mtu or take IPv4 addresses")
        }
        plan.address = own
        plan.receiver = other
        plan.port = port
        plan.mtu = mtu
        plan.flows = flows
        plan.bytes = bytes
        if let input { plan.input = try InputFile(path: input) }
        plan.messageMinimum = messageMinimum
        plan.messageMaximum = messageMaximum
        plan.seed = seed
        plan.patience = .seconds(patienceS)
        return plan
    }
}
