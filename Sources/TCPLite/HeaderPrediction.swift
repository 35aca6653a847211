internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import PagePool
internal import Timeline

/// The way of nearly every segment of a bulk transfer: the next one in order, split, verified by the device, on a connection
/// that only receives (Jacobson's header prediction).
///
/// One look at fixed offsets decides. Whatever is unusual in any respect is left untouched for the general path, which
/// handles these segments just the same; nothing here is needed but for speed.
extension TCPStack {
    /// True when the segment was as expected and has been taken.
    @inline(__always) mutating func predictedInput(
        _ view: ByteView, _ verdict: ChecksumVerdict, _ fragment: inout Fragment?, _ now: Instant
    ) -> Bool {
        // Ethernet without tags, IPv4 without options, TCP: 54 bytes at least, and nothing behind the TCP header.
        guard verdict == .good, view.count >= 54 else { return false }
        let interface = configuration.interface
        let isForUs =
            UInt64(view.be32(0)) &<< 16 | UInt64(view.be16(4)) == interface.mac.rawValue
            && view.be32(30) == interface.address.rawValue
        let isPlain =
            view.be16(12) == EthernetHeader.typeIPv4 && view[14] == 0x45 && view.be16(20) & 0x3FFF == 0
            && view[23] == IPv4Header.protocolTCP
        let control = view.be32(46)
        let headerLength = Int(control &>> 28) &* 4
        // ACK alone, or with PSH.
        guard isForUs, isPlain, control &>> 16 & 0xF7 == 0x10, view.count == 34 &+ headerLength else { return false }
        let source = view.be32(26)
        let ports = view.be32(34)
        let key = FlowKey(
            remote: IPv4Address(rawValue: source), remotePort: UInt16(truncatingIfNeeded: ports &>> 16),
            localPort: UInt16(truncatingIfNeeded: ports))
        if key != train {
            trainPlace = Int32(truncatingIfNeeded: find(key))
            train = key
        }
        let i = Int(trainPlace)
        guard i >= 0, connections[i].isSteady, timestampIsExpected(i, view, headerLength) else { return false }
        let seq = SequenceNumber(view.be32(38))
        let ack = SequenceNumber(view.be32(42))
        let totalLength = Int(view.be16(16))
        let length = totalLength &- 20 &- headerLength
        guard seq == connections[i].rcv.nxt, ack == connections[i].snd.una, ack == connections[i].snd.nxt,
            length > 0, length <= connections[i].rcv.adv.distance(from: seq), reassembly.store.freePieces > 0
        else { return false }
        guard var payload = fragment.take() else { return false }
        // A glance at the pool: whether it is allowed was found out on the general path. What is not first in its slot may be
        // one with what is before it.
        guard Int(payload.length) >= length, payload.offset == 0, Int32(payload.netmem.pool) == connections[i].rcv.pool
        else {
            fragment = consume payload
            return false
        }
        payload.trimBack(payload.length &- UInt32(truncatingIfNeeded: length))

        statistics.segmentsReceived &+= 1
        connections[i].untrusted = 0
        if connections[i].usesTimestamps && seq == connections[i].rcv.lastACK {
            connections[i].tsRecent = view.be32(58)
            connections[i].tsRecentAt = now
        }
        steadyWindow(i, seq, ack, Int32(control & 0xFFFF) &<< Int32(connections[i].snd.scale), now)
        var sum = InternetChecksum()
        sum.add(source)
        sum.add(interface.address.rawValue)
        sum.add(UInt16(IPv4Header.protocolTCP))
        sum.add(UInt16(truncatingIfNeeded: totalLength &- 20))
        sum.add(header: view.from(34))
        reassembly.take(consume payload, sum: sum.complement, &connections[i].rcv)
        statistics.deviceBytes &+= UInt64(truncatingIfNeeded: length)
        statistics.bytesReceived &+= UInt64(truncatingIfNeeded: length)
        connections[i].rcv.unacknowledged &+= 1
        arrived(i)
        pending.append(i)
        return true
    }

    /// The timestamps option as RFC 7323, appendix A lays it out and not older than the last, or no options at all.
    @inline(__always) private func timestampIsExpected(_ i: Int, _ view: ByteView, _ headerLength: Int) -> Bool {
        guard connections[i].usesTimestamps else { return headerLength == 20 }
        guard headerLength == 32, view.count >= 66, view.be32(54) == 0x0101_080A else { return false }
        return Int32(bitPattern: view.be32(58) &- connections[i].tsRecent) >= 0
    }

    /// The send window, unless a later segment has set it (RFC 9293, section 3.10.7.4; SEG.ACK is as old as it can be).
    @inline(__always) private mutating func steadyWindow(
        _ i: Int, _ seq: SequenceNumber, _ ack: SequenceNumber, _ window: Int32, _ now: Instant
    ) {
        guard connections[i].snd.wl1 <= seq else { return }
        connections[i].snd.wl1 = seq
        connections[i].snd.wl2 = ack
        if window != connections[i].snd.wnd { changeSendWindow(i, window, now) }
        if window == 0 { connections[i].snd.stalledSince = now }
    }
}

extension Connection {
    /// Established, nothing out of order, no FIN in sight, a slot of the guarantee left, and nothing to be dropped.
    @inline(__always) var isSteady: Bool {
        state == .established && rcv.firstRange < 0 && !rcv.hasFIN && !isOrphan && rcv.held < rcv.guarantee
            && rcv.discarding == 0
    }
}
