internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import PagePool
internal import Timeline

extension TCPStack {
    /// Echo requests are answered, errors are weighed; `inDevice` bytes of the message are where nobody reads them.
    mutating func icmpInput(
        _ ip: IPv4Header, _ bytes: ByteView, _ inDevice: Int, _ origin: Origin, _ verdict: ChecksumVerdict,
        _ now: Instant, _ pools: inout PoolTable
    ) {
        guard let message = ICMPMessage(bytes) else {
            statistics.malformed &+= 1
            return
        }
        guard inDevice == 0 else {
            statistics.icmpIgnored &+= 1
            return
        }
        // Always in software: no NIC here verifies ICMP.
        guard ICMPMessage.checksumIsGood(bytes) else {
            statistics.badChecksums &+= 1
            return
        }
        if message.type == ICMPMessage.echoRequest && !origin.isGroup {
            statistics.echoRequests &+= 1
            echo(ip, message, bytes, origin)
        } else if message.isError {
            errorInput(message, bytes.from(ICMPMessage.headerLength), now, &pools)
        } else {
            statistics.icmpIgnored &+= 1
        }
    }

    private mutating func echo(_ ip: IPv4Header, _ request: ICMPMessage, _ bytes: ByteView, _ origin: Origin) {
        let ethernet = EthernetHeader(
            destination: origin.mac, source: configuration.interface.mac, tags: origin.tags,
            type: EthernetHeader.typeIPv4)
        let length = ethernet.length + IPv4Header.minimumLength + bytes.count
        guard bytes.count + IPv4Header.minimumLength <= configuration.interface.mtu, let frame = output.reserve() else {
            statistics.repliesDropped &+= 1
            return
        }
        ethernet.write(to: frame)
        IPv4Header(
            source: configuration.interface.address, destination: ip.source, transport: IPv4Header.protocolICMP,
            payloadLength: bytes.count
        ).write(to: frame.from(ethernet.length))
        let message = frame.slice(ethernet.length + IPv4Header.minimumLength, bytes.count)
        message.copy(bytes)
        ICMPMessage(type: ICMPMessage.echoReply, code: 0, rest: request.rest).write(to: message)
        output.commit(length: length)
    }

    /// An error about a segment of ours. Only what quotes a sequence number in flight counts (RFC 5927, section 4.1).
    private mutating func errorInput(
        _ message: ICMPMessage, _ quoted: ByteView, _ now: Instant, _ pools: inout PoolTable
    ) {
        statistics.icmpErrors &+= 1
        guard let segment = QuotedSegment(quoted), segment.source == configuration.interface.address else {
            statistics.icmpIgnored &+= 1
            return
        }
        let i = find(
            FlowKey(
                remote: segment.destination, remotePort: segment.destinationPort, localPort: segment.sourcePort))
        guard i >= 0 else {
            statistics.icmpIgnored &+= 1
            return
        }
        let sequence = SequenceNumber(segment.sequence)
        guard connections[i].snd.una <= sequence, sequence < connections[i].snd.nxt,
            message.type == ICMPMessage.unreachable
        else {
            // Source quench is to be ignored (RFC 6633), the others say nothing that a timer does not (RFC 5461).
            statistics.icmpIgnored &+= 1
            return
        }
        if message.code == 4 {
            // Zero is from routers older than RFC 1191: the least that we believe.
            lowerPathMTU(i, max(Int(message.rest & 0xFFFF), configuration.minimumPathMTU))
        } else if (message.code == 2 || message.code == 3) && connections[i].state == .synSent {
            // Hard errors end only what is not established (RFC 5461, section 4.1).
            finish(i, .refused, &pools)
        } else {
            statistics.icmpIgnored &+= 1
        }
    }

    /// A router could not forward a segment of ours (RFC 1191, RFC 8201): segments get smaller, and what is in flight is sent
    /// again.
    mutating func lowerPathMTU(_ i: Int, _ mtu: Int) {
        let size = Int32(clamping: mtu - headerBytes(isIPv6: connections[i].isIPv6))
        guard size < connections[i].snd.pathMSS else {
            statistics.icmpIgnored &+= 1
            return
        }
        connections[i].snd.pathMSS = size
        updateSegmentSize(i)
        guard connections[i].isSynchronized else { return }
        retransmitFlight(i)
        pending.append(i)
    }
}
