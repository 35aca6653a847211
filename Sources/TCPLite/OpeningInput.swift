internal import DeviceMemory
internal import Packets
internal import PagePool
internal import Timeline

extension TCPStack {
    /// A segment for no connection: LISTEN if somebody listens (RFC 9293, section 3.10.7.2), CLOSED if not (3.10.7.1).
    @inline(never) mutating func listenerInput(
        _ segment: Segment, _ key: FlowKey, _ now: Instant, _ pools: inout PoolTable
    ) {
        let flags = segment.flags
        if flags.contains(.rst) {
            statistics.noConnection &+= 1
            return
        }
        guard isListening(segment.header.destinationPort) else {
            statistics.noConnection &+= 1
            refuse(segment)
            return
        }
        if flags.contains(.ack) {
            statistics.noConnection &+= 1
            refuse(segment)
        } else if flags.contains(.syn) && !flags.contains(.fin) {
            accept(segment, key, now, after: nil, &pools)
        } else {
            statistics.noConnection &+= 1
        }
    }

    /// A SYN for a listener: SYN-RCVD, if there is room for everything that the connection will be promised.
    private mutating func accept(
        _ segment: Segment, _ key: FlowKey, _ now: Instant, after last: SequenceNumber?, _ pools: inout PoolTable
    ) {
        let place = listenerIndex(segment.header.destinationPort)
        let isFull = Int(listeners[place].opening) >= configuration.backlog
        guard !isAcceptFull(place), let route = route(to: segment.source, isLinkLocal: segment.isLinkLocal),
            !isFull || recycleOpening(place, now, &pools),
            let i = allocate() ?? (recycleOpening(place, now, &pools) ? allocate() : nil)
        else {
            statistics.synsOverBacklog &+= 1
            return
        }
        let listener = listeners[place]
        guard
            admit(owner: listener.owner, slots: listener.slots)
                || (recycleOpening(place, now, &pools) && admit(owner: listener.owner, slots: listener.slots))
        else {
            free.append(i)
            statistics.synsWithoutSlots &+= 1
            return
        }
        statistics.passiveOpens &+= 1
        prepare(
            i, key, remote: segment.source, port: segment.header.sourcePort, route: route, owner: listener.owner,
            slots: listener.slots, now)
        connections[i].isPassive = true
        enterOpening(i, place)
        connections[i].tags = segment.origin.tags
        connections[i].localPort = segment.header.destinationPort
        connections[i].state = .synReceived
        if let last { continueAbove(i, last) }
        takeSYN(i, segment, now)
        connections[i].snd.synOwed = true
        pending.append(i)
    }

    /// RFC 9293, section 3.10.7.3.
    @inline(never) mutating func synSentInput(
        _ i: Int, _ segment: Segment, _ now: Instant, _ pools: inout PoolTable
    ) {
        let flags = segment.flags
        let ack = segment.ack
        if flags.contains(.ack) && (ack <= connections[i].snd.iss || ack > connections[i].snd.nxt) {
            statistics.badACKs &+= 1
            if !flags.contains(.rst) { refuse(segment) }
            return
        }
        if flags.contains(.rst) {
            statistics.resetsReceived &+= 1
            if flags.contains(.ack) { finish(i, .refused, &pools) }
            return
        }
        guard flags.contains(.syn) else { return }
        takeSYN(i, segment, now)
        if flags.contains(.ack) {
            // Data and FIN of the SYN-ACK are not taken, so they come again.
            connections[i].rcv.ackNow = true
            establish(i, by: segment, now)
        } else {
            // Both sides opened at once (RFC 9293, figure 7).
            connections[i].snd.wl1 = segment.seq
            connections[i].snd.wl2 = segment.ack
            connections[i].state = .synReceived
            connections[i].snd.synOwed = true
        }
        pending.append(i)
    }

    /// Whether a segment is, in SYN-RECEIVED, the peer's SYN once more: alone before the window, with data within it.
    @inline(__always) func repeatsOpening(_ i: Int, _ segment: Segment) -> Bool {
        connections[i].state == .synReceived && segment.flags.contains(.syn) && segment.seq == connections[i].rcv.irs
    }

    /// The peer has not heard our SYN-ACK; or both sides opened at once, and this answers our SYN.
    @inline(never) mutating func repeatedSYN(_ i: Int, _ segment: Segment, _ now: Instant) {
        pending.append(i)
        guard segment.flags.contains(.ack) else {
            connections[i].snd.synOwed = true
            return
        }
        // Our own SYN-ACK, which would have told as much, may be lost.
        connections[i].rcv.ackNow = true
        // RFC 9293, figure 7, line 6. Without it the connection would be open only by the peer's next ACK, which a peer with
        // nothing to send has no reason to repeat. Nobody answers a SYN that was itself an answer.
        guard !connections[i].isPassive, segment.ack > connections[i].snd.una, segment.ack <= connections[i].snd.nxt
        else { return }
        if connections[i].usesTimestamps {
            connections[i].tsRecent = segment.options.timestampValue
            connections[i].tsRecentAt = now
        }
        connections[i].snd.wnd = Int32(segment.header.window)
        connections[i].snd.maxWnd = max(connections[i].snd.maxWnd, connections[i].snd.wnd)
        establish(i, by: segment, now)
    }

    /// What a peer's SYN says of it: sequence numbers, window, options.
    private mutating func takeSYN(_ i: Int, _ segment: Segment, _ now: Instant) {
        let options = segment.options
        // A SYN of ours has offered a window before there was anything that it could be beyond; it stays offered.
        let offered = max(connections[i].rcv.adv.distance(from: connections[i].rcv.nxt), 0)
        connections[i].rcv.irs = segment.seq
        connections[i].rcv.nxt = segment.seq + 1
        connections[i].rcv.adv = segment.seq + 1 + offered
        connections[i].rcv.lastACK = segment.seq + 1
        // RFC 9293, section 3.7.1: 536 when the peer does not say, 1220 over IPv6. Under 64 a segment would be mostly header: believe 64, so
        // that a hostile value costs little more than its own bytes.
        connections[i].snd.peerMSS =
            options.mss == 0 ? (connections[i].isIPv6 ? 1220 : 536) : max(Int32(options.mss), 64)
        connections[i].usesTimestamps = configuration.timestamps && options.hasTimestamps
        connections[i].usesSACK = configuration.selectiveAcknowledgement && options.sackPermitted
        connections[i].rcv.reportsDuplicates = connections[i].usesSACK && configuration.duplicateReports
        if connections[i].usesTimestamps {
            connections[i].tsRecent = options.timestampValue
            connections[i].tsRecentAt = now
        }
        connections[i].offersScale = options.windowScale != nil
        if let shift = options.windowScale {
            // RFC 7323, section 2.3: more than 14 is treated as 14.
            connections[i].snd.scale = min(shift, 14)
        } else {
            connections[i].snd.scale = 0
            connections[i].rcv.scale = 0
        }
        // The window of a SYN is never scaled (RFC 7323, section 2.2).
        connections[i].snd.wnd = Int32(segment.header.window)
        connections[i].snd.maxWnd = connections[i].snd.wnd
        updateSegmentSize(i)
        // Half a segment to a slot, until the first slots tell better.
        connections[i].rcv.unit = (min(connections[i].rcv.mss, 65535) &+ 1) / 2
    }

    /// A segment has acknowledged our SYN: the handshake is done.
    mutating func establish(_ i: Int, by segment: Segment, _ now: Instant) {
        connections[i].snd.wl1 = segment.seq
        connections[i].snd.wl2 = segment.ack
        timeRoundTrip(i, segment.ack, segment, now)
        connections[i].snd.una = connections[i].snd.iss + 1
        if opening.contains(i) {
            leaveOpening(i)
            enterWaiting(i)
        }
        connections[i].state = .established
        connections[i].wasOpened = true
        connections[i].snd.retransmitDeadline = .never
        connections[i].snd.rtt.backoff = 0
        // RFC 6298, rule 5.7, and RFC 5681, section 3.1, when a SYN was lost.
        let lost = connections[i].synRetransmissions > 0
        if lost && connections[i].snd.rtt.base < 3_000_000_000 { connections[i].snd.rtt.base = 3_000_000_000 }
        let segments = lost ? 1 : Int32(clamping: max(configuration.initialWindow, 1))
        connections[i].snd.cwnd = segments &* connections[i].snd.mss
        statistics.established &+= 1
        if configuration.keepAlive && !connections[i].isOrphan { connections[i].keepsAlive = true }
        if connections[i].keepsAlive { watchSilence(i, now) }
        raise(i, .opened)
        pending.append(i)
    }

    /// A SYN in TIME-WAIT opens anew if it is plainly later (RFC 9293, section 3.6.1; RFC 6191): by timestamp, or by number.
    mutating func reopen(_ i: Int, _ segment: Segment, _ key: FlowKey, _ now: Instant, _ pools: inout PoolTable) {
        let flags = segment.flags
        guard flags.contains(.syn), flags.isDisjoint(with: [.ack, .rst, .fin]) else { return }
        let byTime =
            connections[i].usesTimestamps && segment.options.hasTimestamps
            && Int32(bitPattern: segment.options.timestampValue &- connections[i].tsRecent) > 0
        guard byTime || segment.seq > connections[i].rcv.nxt, isListening(segment.header.destinationPort) else {
            challenge(i, now)
            return
        }
        let last = connections[i].snd.nxt
        endTimeWait(i, &pools)
        accept(segment, key, now, after: last, &pools)
    }

    /// RST in answer to a segment that belongs nowhere (RFC 9293, section 3.10.7.1).
    @inline(never) mutating func refuse(_ segment: Segment) {
        let origin = segment.origin
        let hasACK = segment.flags.contains(.ack)
        let header = TCPHeader(
            sourcePort: segment.header.destinationPort, destinationPort: segment.header.sourcePort,
            sequence: hasACK ? segment.header.acknowledgement : 0,
            acknowledgement: hasACK ? 0 : (segment.seq + segment.length).rawValue,
            flags: hasACK ? .rst : [.rst, .ack], window: 0)
        let isIPv6 = segment.source.isIPv6
        let ethernet = EthernetHeader(
            destination: origin.mac, source: configuration.interface.mac, tags: origin.tags,
            type: isIPv6 ? EthernetHeader.typeIPv6 : EthernetHeader.typeIPv4)
        guard !origin.isGroup, let frame = output.reserve() else {
            statistics.repliesDropped &+= 1
            return
        }
        ethernet.write(to: frame)
        let network = frame.from(ethernet.length)
        var sum: InternetChecksum
        if let address = segment.source.ipv4 {
            let ip = IPv4Header(
                source: configuration.interface.address, destination: address, transport: IPv4Header.protocolTCP,
                payloadLength: TCPHeader.minimumLength)
            ip.write(to: network)
            sum = ip.pseudoHeader(length: TCPHeader.minimumLength)
        } else {
            let ip = IPv6Header(
                source: own(isLinkLocal: segment.isLinkLocal), destination: segment.source.mapped,
                nextHeader: IPv4Header.protocolTCP, payloadLength: TCPHeader.minimumLength)
            ip.write(to: network)
            sum = ip.pseudoHeader(transport: IPv4Header.protocolTCP, length: TCPHeader.minimumLength)
        }
        let length = ethernet.length + headerBytes(isIPv6: isIPv6)
        let tcp = frame.slice(length - TCPHeader.minimumLength, TCPHeader.minimumLength)
        header.write(to: tcp)
        sum.add(tcp.readOnly)
        tcp.setBE16(16, sum.complement)
        output.commit(length: length)
        statistics.resetsSent &+= 1
    }
}
