import Timeline
import ClientKit
import DeviceMemory
import HeaderSplit
import PagePool
import Packets
import TCPLite
import Testing

@testable import Engine

/// A UDP frame with everything that can be wrong with one as an argument.
struct Datagram {
    var data = 100
    var mac = MACAddress(2, 0, 0, 0, 0, 1)
    var port: UInt16 = 9000
    var udpLength: Int?
    var checksum: UInt16?
    var fragmentation: UInt16 = 0x4000
    var destination = IPv4Address(10, 0, 0, 1)
    var padding = 0

    /// The whole frame.
    func bytes() -> HeapBytes {
        let length = udpLength ?? (8 + data)
        let frame = HeapBytes(count: 14 + 20 + 8 + data + padding)
        EthernetHeader(
            destination: mac, source: MACAddress(2, 0, 0, 0, 0, 2),
            type: EthernetHeader.typeIPv4
        ).write(to: frame.bytes)
        var ip = IPv4Header(
            source: IPv4Address(10, 0, 0, 2), destination: destination, transport: IPv4Header.protocolUDP,
            payloadLength: 8 + data)
        ip.fragmentation = fragmentation
        ip.write(to: frame.bytes.from(14))
        frame.bytes.setBE16(34, 4000)
        frame.bytes.setBE16(36, port)
        frame.bytes.setBE16(38, UInt16(length))
        for i in 0..<data { frame.bytes[42 + i] = UInt8(truncatingIfNeeded: i &* 7) }
        var sum = ip.pseudoHeader(length: length)
        sum.add(frame.bytes.readOnly.slice(34, min(length, 8 + data)))
        frame.bytes.setBE16(40, checksum ?? sum.complement)
        return frame
    }
}

@Suite struct FrameTapTests {
    private let interface = InterfaceConfiguration(
        mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24)

    /// What the tap decides about a datagram of which `inHost` bytes are in host memory.
    private func decide(
        _ datagram: Datagram, inHost: Int? = nil, _ checksum: ChecksumVerdict = .good,
        split: SplitVerdict = .split
    ) -> (String, FrameStatistics) {
        let frame = datagram.bytes()
        var tap = FrameTap(.udp(port: 9000), interface: interface)
        let count = frame.bytes.count
        let header = frame.bytes.readOnly.slice(0, inHost ?? count)
        let decision = tap.decide(
            ReceivedFrame(header: header, fragment: nil, split: split, checksum: checksum),
            payload: count - (inHost ?? count))
        extendLifetime(frame)
        switch decision {
        case .stack: return ("stack", tap.statistics)
        case .drop: return ("drop", tap.statistics)
        case .deliver(let header, let payload, let verified):
            return ("\(header)+\(payload)\(verified ? "" : "?")", tap.statistics)
        }
    }

    @Test("datagrams for the port are delivered, with the datagram's own length: padding is not data")
    func delivered() {
        #expect(decide(Datagram(), inHost: 42).0 == "42+100")
        #expect(decide(Datagram(), inHost: nil, .unknown).0 == "42+100")
        #expect(decide(Datagram(data: 4, padding: 14)).0 == "42+4")
        #expect(decide(Datagram(data: 100, udpLength: 58)).0 == "42+50")
        #expect(decide(Datagram(data: 0)).0 == "42+0")
    }

    @Test("what is not for the port is the stack's: other ports, other hosts, fragments")
    func others() {
        #expect(decide(Datagram(port: 9001)).0 == "stack")
        #expect(decide(Datagram(destination: IPv4Address(10, 0, 0, 9))).0 == "stack")
        #expect(decide(Datagram(fragmentation: 0x2000)).0 == "stack")
    }

    @Test("each drop has its reason")
    func drops() {
        let bad = decide(Datagram(), .bad)
        #expect(bad.0 == "drop" && bad.1.badChecksums == 1)
        let wrong = decide(Datagram(checksum: 0x1234), inHost: nil, .unknown)
        #expect(wrong.0 == "drop" && wrong.1.badChecksums == 1)
        let hidden = decide(Datagram(), inHost: 42, .unknown)
        #expect(hidden.0 == "drop" && hidden.1.unverifiable == 1)
        let long = decide(Datagram(udpLength: 109))
        #expect(long.0 == "drop" && long.1.malformed == 1)
        let overflow = decide(Datagram(), inHost: 50, split: .headerOverflow)
        #expect(overflow.0 == "drop" && overflow.1.headerOverflows == 1)
    }

    @Test("a sender that computed no checksum is believed, and said to be unverified (RFC 768)")
    func withoutChecksum() {
        let result = decide(Datagram(checksum: 0), inHost: 42, .unknown)
        #expect(result.0 == "42+100?" && result.1.withoutChecksum == 1)
    }

    @Test("a frame's bytes are in one piece, wherever the ring of host bytes ends, and all of them come back")
    func records() {
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        let channel = ApplicationChannel(memory.bytes)
        var port = ApplicationPort(channel, configuration: PortConfiguration(tokenLimit: 2 * 64))
        var client = ApplicationClient(channel)
        var pools = PoolTable(
            PagePool(
                identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0x1000), slotSize: 4096, slotCount: 64)))
        var stack = TCPStack(configuration: Configuration(interface: interface), secret: (1, 2))
        let bytes = HeapBytes(count: 191)
        var (wrong, seen) = (0, 0)
        // Four times round the ring of 1 MiB.
        for round in 0..<(4 << 20) / 191 {
            bytes.bytes.fill(UInt8(truncatingIfNeeded: round))
            var fragment: Fragment?
            if let slot = pools.pools[1].lend() { fragment = pools.pools[1].arrive(slot, offset: 0, length: 77) }
            let delivered = port.deliver(
                frame: bytes.bytes.readOnly, headerLength: 42, isVerified: true, fragment: &fragment, &pools, .zero)
            port.publish()
            if !delivered || fragment != nil { wrong += 1 }
            if let left = fragment.take() { pools.recycle(left) }
            while let record = client.next() {
                seen += 1
                if record.kind == .frame {
                    let view = client.bytes(of: record)
                    if view.count != 191 || !record.hasMore || !record.isVerified || record.headerLength != 42 {
                        wrong += 1
                    }
                    if view[0] != UInt8(truncatingIfNeeded: round) || view[190] != view[0] { wrong += 1 }
                    client.consumeLinear(record)
                } else {
                    if record.kind != .device || record.length != 77 { wrong += 1 }
                    _ = client.giveBack(record.token)
                }
            }
            client.flush()
            _ = port.takeReturns(limit: 4096, pools: &pools, stack: &stack)
        }
        let free = pools.pools[1].ledger().pool
        #expect(wrong == 0 && seen == 2 * ((4 << 20) / 191) && free == 64)
        extendLifetime(bytes)
    }

    @Test("an application that takes nothing costs frames, not the engine: no room is said, nothing is lost")
    func noRoom() {
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        let channel = ApplicationChannel(memory.bytes)
        var port = ApplicationPort(channel, configuration: PortConfiguration(tokenLimit: 2 * 64))
        var pools = PoolTable(
            PagePool(
                identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0x1000), slotSize: 4096, slotCount: 64)))
        let bytes = HeapBytes(count: 191)
        var (taken, refused) = (0, 0)
        for _ in 0..<10_000 {
            var fragment: Fragment?
            if port.deliver(
                frame: bytes.bytes.readOnly, headerLength: 42, isVerified: true, fragment: &fragment, &pools, .zero)
            {
                taken += 1
            } else {
                refused += 1
            }
        }
        let lost = port.statistics.lostRecords
        // The ring of host bytes is the first to be full.
        #expect(taken == ChannelShape.standard.linearBytes / 191 && refused == 10_000 - taken && lost == 0)
        extendLifetime(bytes)
    }
}
