internal import DeviceMemory
internal import Packets
internal import Timeline

extension TCPStack {
    /// The timestamp clock: milliseconds (RFC 7323, section 5.4), from an origin of the flow's own.
    @inline(__always) func timestamp(_ i: Int, _ now: Instant) -> UInt32 {
        UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000) &+ connections[i].tsOffset
    }

    /// Bytes of SACK option that a segment sent now carries.
    @inline(__always) func reportLength(_ i: Int) -> Int {
        guard connections[i].usesSACK, connections[i].rcv.hasReport else { return 0 }
        let count = min(blockLimit(i), blocksKnown(i))
        return count == 0 ? 0 : 4 + 8 * count
    }

    /// Blocks that fit beside the options of every segment (RFC 2018, section 3).
    @inline(__always) private func blockLimit(_ i: Int) -> Int { connections[i].usesTimestamps ? 3 : 4 }

    @inline(__always) private func blocksKnown(_ i: Int) -> Int {
        let recent = connections[i].rcv.recent
        let ranges =
            (recent.a >= 0 ? 1 : 0) + (recent.b >= 0 ? 1 : 0) + (recent.c >= 0 ? 1 : 0) + (recent.d >= 0 ? 1 : 0)
        return ranges + (connections[i].rcv.duplicateStart != connections[i].rcv.duplicateEnd ? 1 : 0)
    }

    /// Writes one segment to the output: `length` bytes of the send buffer from `sequence` on. False when the output is
    /// full or the next hop's hardware address is not known; then nothing has changed.
    mutating func emit(
        _ i: Int, _ sequence: SequenceNumber, _ flags: TCPFlags, _ length: Int, _ now: Instant
    ) -> Bool {
        guard let mac = neighbours.lookUp(connections[i].neighbour, nextHop(i)) else {
            park(i, now)
            return false
        }
        guard let frame = output.reserve() else { return false }
        let tags = connections[i].tags
        let isIPv6 = connections[i].isIPv6
        let ethernet = EthernetHeader(
            destination: mac, source: configuration.interface.mac, tags: tags,
            type: isIPv6 ? EthernetHeader.typeIPv6 : EthernetHeader.typeIPv4)
        ethernet.write(to: frame)
        let networkLength = isIPv6 ? IPv6Header.length : IPv4Header.minimumLength
        let tcpStart = ethernet.length &+ networkLength
        let isSYN = flags.contains(.syn)
        let headerLength =
            TCPHeader.minimumLength &+ writeOptions(i, frame.from(tcpStart &+ TCPHeader.minimumLength), flags, now)
        // Payload of each segment that the device cuts, if it does.
        let size = connections[i].snd.isPlaced ? max(Int(connections[i].snd.mss) &- reportLength(i), 1) : length
        let isToCut = length > size
        var inHost = length
        var parts = 0
        if connections[i].snd.isPlaced && length > 0 {
            (inHost, parts) = gather(i, sequence, length, into: frame.from(tcpStart &+ headerLength))
        } else if length > 0 {
            buffers.load(i, sequence, into: frame.slice(tcpStart &+ headerLength, length))
        }
        let segmentLength = headerLength &+ length
        let tcp = frame.slice(tcpStart, headerLength &+ inHost)
        let hasACK = flags.contains(.ack)
        let header = TCPHeader(
            sourcePort: connections[i].localPort, destinationPort: connections[i].remotePort,
            sequence: sequence.rawValue, acknowledgement: hasACK ? connections[i].rcv.nxt.rawValue : 0,
            headerLength: headerLength, flags: flags,
            window: flags.contains(.rst) ? 0 : advertise(i, isSYN: isSYN, now))
        header.write(to: tcp)
        var sum = writeNetwork(i, frame.from(ethernet.length), segmentLength, isToCut: isToCut)
        if configuration.transmitChecksumOffload {
            tcp.setBE16(16, sum.folded)
            output.commit(
                length: tcpStart &+ headerLength &+ inHost,
                offload: TransmitOffload(
                    tcpChecksum: true, linkLength: UInt8(truncatingIfNeeded: ethernet.length),
                    networkLength: UInt8(truncatingIfNeeded: networkLength),
                    transportLength: UInt8(truncatingIfNeeded: headerLength),
                    segmentSize: isToCut ? UInt16(truncatingIfNeeded: size) : 0, isIPv6: isIPv6), parts: parts)
        } else {
            sum.add(tcp.readOnly)
            tcp.setBE16(16, sum.complement)
            output.commit(length: tcpStart &+ segmentLength)
        }
        statistics.segmentsSent &+= 1
        if hasACK { acknowledged(i) }
        return true
    }

    /// Writes the IP header of a segment of `length` bytes, or of what the device cuts into segments; returns the
    /// pseudo-header's sum.
    ///
    /// Each segment has a length of its own, which the device adds to the sum; the length and a header checksum are its to fill
    /// in as well, and must be zero for that (TCP segmentation of the 82574 and 82576).
    @inline(__always) private mutating func writeNetwork(
        _ i: Int, _ space: MutableByteView, _ length: Int, isToCut: Bool
    ) -> InternetChecksum {
        if isToCut { statistics.framesToCut &+= 1 }
        if connections[i].isIPv6 { return writeNetwork6(i, space, isToCut ? 0 : length) }
        let ip = IPv4Header(
            source: configuration.interface.address, destination: connections[i].remote,
            transport: IPv4Header.protocolTCP, payloadLength: length)
        ip.write(to: space)
        if isToCut {
            space.setBE16(2, 0)
            space.setBE16(10, 0)
        }
        return ip.pseudoHeader(length: isToCut ? 0 : length)
    }

    @inline(never) private func writeNetwork6(_ i: Int, _ space: MutableByteView, _ length: Int) -> InternetChecksum {
        let ip = IPv6Header(
            source: own(isLinkLocal: paths6[i].isLinkLocal), destination: paths6[i].remote,
            nextHeader: IPv4Header.protocolTCP, payloadLength: length, flowLabel: paths6[i].flowLabel)
        ip.write(to: space)
        return ip.pseudoHeader(transport: IPv4Header.protocolTCP, length: length)
    }

    /// Whatever ACK was owed has been sent.
    @inline(__always) private mutating func acknowledged(_ i: Int) {
        connections[i].rcv.lastACK = connections[i].rcv.nxt
        connections[i].rcv.unacknowledged = 0
        connections[i].rcv.ackNow = false
        connections[i].rcv.ackDeadline = .never
        connections[i].rcv.duplicateEnd = connections[i].rcv.duplicateStart
    }

    @inline(__always) private mutating func writeOptions(
        _ i: Int, _ space: MutableByteView, _ flags: TCPFlags, _ now: Instant
    ) -> Int {
        var writer = TCPOptionWriter(space)
        if flags.contains(.syn) {
            let isAnswer = flags.contains(.ack)
            writer.mss(UInt16(truncatingIfNeeded: connections[i].rcv.mss))
            if isAnswer ? connections[i].usesSACK : configuration.selectiveAcknowledgement { writer.sackPermitted() }
            if isAnswer ? connections[i].usesTimestamps : configuration.timestamps {
                writer.timestamps(value: timestamp(i, now), echo: isAnswer ? connections[i].tsRecent : 0)
            }
            // RFC 7323, section 2.2: in the answer only if the peer sent it, which is when a shift was taken over.
            if !isAnswer || connections[i].offersScale { writer.windowScale(connections[i].rcv.scale) }
            return writer.finish()
        }
        if connections[i].usesTimestamps && !flags.contains(.rst) {
            writer.timestamps(
                value: timestamp(i, now), echo: flags.contains(.ack) ? connections[i].tsRecent : 0)
        }
        if connections[i].rcv.hasReport && flags.contains(.ack) { writeReport(i, &writer) }
        return writer.finish()
    }

    /// What came twice (RFC 2883), then the ranges that grew last, the latest first (RFC 2018, section 4).
    @inline(never) private mutating func writeReport(_ i: Int, _ writer: inout TCPOptionWriter) {
        let count = (reportLength(i) - 4) / 8
        guard count > 0 else { return }
        writer.sack(count: count)
        let recent = connections[i].rcv.recent
        var first = 0
        if connections[i].rcv.duplicateStart != connections[i].rcv.duplicateEnd {
            writer.sackBlock(
                connections[i].rcv.duplicateStart.rawValue, connections[i].rcv.duplicateEnd.rawValue)
            statistics.duplicateReportsSent &+= 1
            counters[i].duplicateReportsSent &+= 1
            first = 1
        }
        for n in 0..<count - first {
            let range = n == 0 ? recent.a : n == 1 ? recent.b : n == 2 ? recent.c : recent.d
            let bounds = reassembly.bounds(range)
            writer.sackBlock(bounds.start.rawValue, bounds.end.rawValue)
        }
    }

    /// The next hop's hardware address is not known: the connection waits for it, and nothing is queued.
    @inline(never) private mutating func park(_ i: Int, _ now: Instant) {
        connections[i].neighbour = neighbours.entry(
            for: nextHop(i), tags: connections[i].tags, now: now)
        pending.remove(i)
        parked.append(i)
    }
}
