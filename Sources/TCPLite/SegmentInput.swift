internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import PagePool
internal import Timeline

/// A TCP segment whose layout and checksum are good.
struct Segment: BitwiseCopyable {
    let header: TCPHeader
    let options: TCPOptions
    /// The bytes that ``options`` was parsed from.
    let optionBytes: ByteView
    /// Payload in host memory.
    let linear: ByteView
    /// Payload length in bytes, host and device.
    let payloadLength: Int
    let source: InternetAddress
    /// For our IPv6 address on the link.
    let isLinkLocal: Bool
    /// One's-complement sum that the payload has, by the checksum.
    let payloadSum: UInt16
    let origin: Origin

    /// SEG.SEQ.
    @inline(__always) var seq: SequenceNumber { SequenceNumber(header.sequence) }
    /// SEG.ACK.
    @inline(__always) var ack: SequenceNumber { SequenceNumber(header.acknowledgement) }
    @inline(__always) var flags: TCPFlags { header.flags }
    /// SEG.LEN: payload, SYN and FIN.
    @inline(__always) var length: Int {
        payloadLength &+ Int(flags.rawValue & 1) &+ Int(flags.rawValue &>> 1 & 1)
    }
}

extension TCPStack {
    /// Layout and checksum of a segment, then the connection that it is for.
    @inline(__always) mutating func segmentInput(
        _ datagram: Datagram, _ bytes: ByteView, _ inDevice: Int, _ origin: Origin, _ verdict: ChecksumVerdict,
        _ fragment: inout Fragment?, _ now: Instant, _ pools: inout PoolTable
    ) {
        statistics.segmentsReceived &+= 1
        guard let header = TCPHeader(bytes), header.sourcePort != 0, header.destinationPort != 0 else {
            statistics.badHeaders &+= 1
            return
        }
        if origin.isGroup {
            // RFC 9293, section 3.9.2.3: TCP is not for groups, and answering one would be a storm.
            statistics.wrongDestination &+= 1
            return
        }
        let key = flowKey(
            datagram.source, remotePort: header.sourcePort, localPort: header.destinationPort,
            isLinkLocal: datagram.isLinkLocal)
        let i = find(
            key, datagram.source, remotePort: header.sourcePort, localPort: header.destinationPort,
            isLinkLocal: datagram.isLinkLocal)
        let length = datagram.length
        var sum = datagram.sum
        if verdict == .good {
            sum.add(header: bytes.slice(0, header.headerLength))
        } else {
            if inDevice > 0 {
                unverifiable(i)
                return
            }
            var whole = sum
            whole.add(bytes)
            guard whole.folded == 0xFFFF else {
                statistics.badChecksums &+= 1
                return
            }
            sum.add(header: bytes.slice(0, header.headerLength))
        }
        let optionBytes = bytes.slice(
            TCPHeader.minimumLength, header.headerLength &- TCPHeader.minimumLength)
        let segment = Segment(
            header: header, options: TCPOptions(optionBytes), optionBytes: optionBytes,
            linear: bytes.from(header.headerLength), payloadLength: length &- header.headerLength,
            source: datagram.source, isLinkLocal: datagram.isLinkLocal,
            payloadSum: sum.complement, origin: origin)
        if segment.options.isMalformed { statistics.badOptions &+= 1 }
        guard i >= 0 else {
            listenerInput(segment, key, now, &pools)
            return
        }
        connections[i].untrusted = 0
        if connections[i].keepAliveProbes > 0 { peerAnswered(i, now) }
        if connections[i].state == .synSent {
            synSentInput(i, segment, now, &pools)
        } else {
            connectionInput(i, segment, key, &fragment, now, &pools)
        }
    }

    /// Device bytes that the device did not verify: nobody else can.
    @inline(never) private mutating func unverifiable(_ i: Int) {
        statistics.unverified &+= 1
        guard i >= 0 else { return }
        counters[i].unverified &+= 1
        misplaced(i, .unverified)
        connections[i].untrusted = min(connections[i].untrusted &+ 1, .max / 2)
        if connections[i].untrusted >= Int32(clamping: configuration.untrustedLimit), connections[i].wasOpened {
            connections[i].untrustedReported = connections[i].untrusted
            connections[i].untrusted = 0
            raise(i, .untrusted)
        }
    }

    /// RFC 9293, section 3.10.7.4, for every state past SYN-SENT, with RFC 5961 and RFC 7323.
    @inline(__always) private mutating func connectionInput(
        _ i: Int, _ segment: Segment, _ key: FlowKey, _ fragment: inout Fragment?, _ now: Instant,
        _ pools: inout PoolTable
    ) {
        let flags = segment.flags
        let options = segment.options
        if connections[i].usesTimestamps && !flags.contains(.rst) {
            guard timestampIsGood(i, segment, now) else {
                if connections[i].state == .timeWait { reopen(i, segment, key, now, &pools) }
                return
            }
        }
        guard isAcceptable(i, segment) else {
            unacceptable(i, segment, key, now, &pools)
            return
        }
        if !flags.isDisjoint(with: [.rst, .syn]) {
            if flags.contains(.rst) {
                resetInput(i, segment, now, &pools)
            } else if connections[i].state == .timeWait {
                reopen(i, segment, key, now, &pools)
            } else if repeatsOpening(i, segment) {
                repeatedSYN(i, segment, now)
            } else {
                // A SYN in the window: RFC 5961, section 4.2.
                challenge(i, now)
            }
            return
        }
        guard flags.contains(.ack) else {
            statistics.missingACK &+= 1
            counters[i].missingACK &+= 1
            return
        }
        if connections[i].usesTimestamps && segment.seq <= connections[i].rcv.lastACK {
            connections[i].tsRecent = options.timestampValue
            connections[i].tsRecentAt = now
        }
        guard acknowledgementInput(i, segment, now, &pools) else { return }
        if segment.length > 0 { streamInput(i, segment, &fragment, now, &pools) }
    }

    /// RFC 9293, table 6; a closed window lets through what carries an ACK or RST at RCV.NXT (section 3.10.7.4).
    @inline(__always) private func isAcceptable(_ i: Int, _ segment: Segment) -> Bool {
        let nxt = connections[i].rcv.nxt
        let window = connections[i].rcv.adv.distance(from: nxt)
        let first = segment.seq.distance(from: nxt)
        if window <= 0 { return first == 0 }
        if first >= 0 && first < window { return true }
        // At the edge nothing can be taken, but an ACK without data from a sender that filled the window stands there.
        if first == window && segment.length == 0 { return true }
        let last = first &+ segment.length &- 1
        return segment.length > 0 && last >= 0 && first < window
    }

    /// PAWS (RFC 7323, section 5.3) and the option's presence (section 3.2).
    @inline(__always) private mutating func timestampIsGood(_ i: Int, _ segment: Segment, _ now: Instant) -> Bool {
        guard segment.options.hasTimestamps else {
            statistics.missingTimestamps &+= 1
            counters[i].missingTimestamps &+= 1
            return false
        }
        let age = Int32(bitPattern: segment.options.timestampValue &- connections[i].tsRecent)
        if age >= 0 { return true }
        // Section 5.5: after 24 days of silence the clock may have wrapped.
        if now - connections[i].tsRecentAt > .seconds(24 * 86_400) { return true }
        statistics.oldTimestamps &+= 1
        counters[i].oldTimestamps &+= 1
        if connections[i].state != .timeWait { duplicateInput(i, segment, now) }
        return false
    }

    @inline(never) private mutating func unacceptable(
        _ i: Int, _ segment: Segment, _ key: FlowKey, _ now: Instant, _ pools: inout PoolTable
    ) {
        statistics.outOfWindow &+= 1
        counters[i].outOfWindow &+= 1
        if segment.flags.contains(.rst) { return }
        let state = connections[i].state
        if state == .timeWait {
            if segment.flags.contains(.syn) {
                reopen(i, segment, key, now, &pools)
                return
            }
            // The peer's FIN again: our last ACK was lost.
            if segment.flags.contains(.fin) { restartTimeWait(i, now) }
        }
        if repeatsOpening(i, segment) {
            repeatedSYN(i, segment, now)
            return
        }
        duplicateInput(i, segment, now)
    }

    /// An ACK for what cannot be taken. Data that was lost on our side of a gap is owed one; empty segments could be the
    /// other half of an ACK storm, so their number is limited.
    mutating func duplicateInput(_ i: Int, _ segment: Segment, _ now: Instant) {
        if segment.payloadLength > 0 {
            statistics.duplicateBytes &+= UInt64(truncatingIfNeeded: segment.payloadLength)
            let end = segment.seq + segment.payloadLength
            connections[i].rcv.noteDuplicate(segment.seq, .earlier(end, connections[i].rcv.nxt))
            connections[i].rcv.ackNow = true
            pending.append(i)
        } else if segment.flags.contains(.fin) {
            connections[i].rcv.ackNow = true
            pending.append(i)
        } else {
            challenge(i, now)
        }
    }

    /// A challenge ACK (RFC 5961), as far as the connection's own limit allows (section 7).
    mutating func challenge(_ i: Int, _ now: Instant) {
        if now - connections[i].challengesSince >= configuration.challengeInterval {
            connections[i].challengesSince = now
            connections[i].challenges = 0
        }
        guard connections[i].challenges < Int32(clamping: configuration.challengeLimit) else {
            statistics.challengesHeldBack &+= 1
            counters[i].challengesHeldBack &+= 1
            return
        }
        connections[i].challenges &+= 1
        statistics.challenges &+= 1
        counters[i].challenges &+= 1
        connections[i].rcv.ackNow = true
        pending.append(i)
    }

    /// RFC 5961, section 3.2: exactly RCV.NXT resets, elsewhere in the window is challenged.
    @inline(never) private mutating func resetInput(
        _ i: Int, _ segment: Segment, _ now: Instant, _ pools: inout PoolTable
    ) {
        statistics.resetsReceived &+= 1
        // RFC 1337: nothing is gained by cutting TIME-WAIT short.
        if connections[i].state == .timeWait { return }
        guard segment.seq == connections[i].rcv.nxt else {
            // The right edge is good for an ACK and no part of the window.
            if segment.seq < connections[i].rcv.adv { challenge(i, now) }
            return
        }
        finish(i, connections[i].state == .synReceived ? .refused : .reset, &pools)
    }
}
