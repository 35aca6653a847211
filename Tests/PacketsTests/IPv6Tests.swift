import DeviceMemory
import Packets
import Testing

@Suite struct IPv6AddressTests {
    @Test(
        "RFC 5952: one text for each address",
        arguments: [
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
            ("2001:DB8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("::", "::"),
            ("0:0:0:0:0:0:0:0", "::"), ("::1", "::1"), ("1::", "1::"), ("fe80::ff:fe00:1", "fe80::ff:fe00:1"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
            ("1:0:0:2::", "1:0:0:2::"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ])
    func text(given: String, canonical: String) throws {
        let address = try #require(IPv6Address(given))
        #expect(address.description == canonical)
        #expect(IPv6Address(canonical) == address)
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", "1:2:3:4:5:6:7:8::",
            "::1:2:3:4:5:6:7:8", ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:", "fe80::1%eth0", "::1/64", "+1::", "::1.2.3",
            "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "10.0.0.1", " ::1", "::-1",
        ])
    func refused(text: String) { #expect(IPv6Address(text) == nil) }

    @Test func classes() {
        #expect(IPv6Address("ff02::1")?.isMulticast == true && IPv6Address("fe80::1")?.isMulticast == false)
        #expect(IPv6Address("fe80::1")?.isLinkLocal == true && IPv6Address("febf::1")?.isLinkLocal == true)
        #expect(IPv6Address("fec0::1")?.isLinkLocal == false && IPv6Address("fe00::1")?.isLinkLocal == false)
        #expect(IPv6Address("::1")?.isLoopback == true && IPv6Address("::")?.isLoopback == false)
        #expect(IPv6Address("::ffff:1.2.3.4")?.isMappedIPv4 == true && IPv6Address("::1.2.3.4")?.isMappedIPv4 == false)
    }

    @Test("What follows from an address: link-local, solicited-node group, hardware address of a group")
    func derived() {
        #expect(IPv6Address.linkLocal(MACAddress(0x02, 0, 0, 0xAB, 0xCD, 0xEF)).description == "fe80::ff:feab:cdef")
        #expect(
            IPv6Address.linkLocal(MACAddress(0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE)).description
                == "fe80::3656:78ff:fe9a:bcde")
        #expect(IPv6Address("2001:db8::12:3456:789a")?.solicitedNode.description == "ff02::1:ff56:789a")
        #expect(IPv6Address("ff02::1:ff56:789a")?.groupMAC == MACAddress(0x33, 0x33, 0xFF, 0x56, 0x78, 0x9A))
    }

    @Test("Prefixes of every length")
    func prefixes() throws {
        let address = try #require(IPv6Address("2001:db8:1:2:3:4:5:6"))
        for bit in 0..<128 {
            let other =
                bit < 64
                ? IPv6Address(high: address.high ^ 1 << UInt64(63 - bit), low: address.low)
                : IPv6Address(high: address.high, low: address.low ^ 1 << UInt64(127 - bit))
            for length in -1...129 { #expect(address.shares(prefixLength: length, with: other) == (length <= bit)) }
        }
    }

    @Test("Both families in one type, told apart without a tag")
    func families() throws {
        let old = try #require(InternetAddress("10.0.0.1"))
        #expect(old.isIPv4 && old.ipv4 == IPv4Address(10, 0, 0, 1) && old.ipv6 == nil && old.description == "10.0.0.1")
        let new = try #require(InternetAddress("fe80::a00:1"))
        #expect(new.isIPv6 && new.ipv4 == nil && new.ipv6 == IPv6Address("fe80::a00:1") && new != old)
        #expect(InternetAddress("::10.0.0.1") != old && InternetAddress("fe80::1:2:3:4:5:6:7:8") == nil)
        #expect(old.description(port: 80) == "10.0.0.1:80" && new.description(port: 80) == "[fe80::a00:1]:80")
        for text in ["10.0.0.1:80", "[fe80::a00:1]:80"] {
            let parsed = try #require(InternetAddress.parse(withPort: text))
            #expect(parsed.address.description(port: parsed.port) == text)
        }
        for text in [
            "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:+8", "fe80::1:80", "[fe80::1]", "[10.0.0.1]:80",
            ":80", "[]:1",
        ] {
            #expect(InternetAddress.parse(withPort: text) == nil, "\(text)")
        }
        #expect(MemoryLayout<InternetAddress>.size == 16)
    }
}

/// Layouts against bytes written down by hand from the standards.
@Suite struct IPv6LayoutTests {
    let head: [UInt8] = [
        0x6A, 0xB1, 0x23, 0x45, 0, 20, 6, 63, 0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFE, 0x80, 0,
        0,
        0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE, 0, 0, 2,
    ]

    @Test("H-14: IPv6's fixed header, and what is none")
    func fixed() throws {
        let space = bytes(head)
        let header = try IPv6Header(space.bytes.readOnly)
        #expect(header.trafficClass == 0xAB && header.flowLabel == 0x12345 && header.payloadLength == 20)
        #expect(header.nextHeader == 6 && header.hopLimit == 63)
        #expect(header.source == IPv6Address("2001:db8::1") && header.destination == IPv6Address("fe80::ff:fe00:2"))
        let copy = HeapBytes(count: 40)
        header.write(to: copy.bytes)
        #expect(copy.bytes.readOnly.array() == head)
        for count in 0..<40 {
            #expect(throws: IPv6Fault.truncated) { _ = try IPv6Header(space.bytes.readOnly.slice(0, count)) }
        }
        space.bytes[0] = 0x45
        #expect(throws: IPv6Fault.version) { _ = try IPv6Header(space.bytes.readOnly) }
    }

    @Test("H-02: the pseudo-header of RFC 8200, for a datagram whose sum is known")
    func pseudoHeader() throws {
        // An echo request of eight bytes from fe80::1 to fe80::2, summed by hand.
        let ip = IPv6Header(
            source: try #require(IPv6Address("fe80::1")), destination: try #require(IPv6Address("fe80::2")),
            nextHeader: 58,
            payloadLength: 8)
        #expect(ip.pseudoHeader(transport: 58, length: 8).folded == 0xFD46)
        let space = HeapBytes(count: 8)
        ICMPv6Message(type: ICMPv6Message.echoRequest, rest: 0x0001_0001).write(to: space.bytes, ip)
        #expect(space.bytes.readOnly.array() == [128, 0, 0x82, 0xB6, 0, 1, 0, 1])
        #expect(ICMPv6Message.checksumIsGood(space.bytes.readOnly, ip))
        space.bytes[7] = 2
        #expect(!ICMPv6Message.checksumIsGood(space.bytes.readOnly, ip))
        space.bytes[7] = 1
        var other = ip
        other.destination = IPv6Address.allNodes
        #expect(!ICMPv6Message.checksumIsGood(space.bytes.readOnly, other))
        // All ones everywhere: nothing overflows.
        let ones = IPv6Address(high: .max, low: .max)
        #expect(IPv6Header.pseudoHeader(ones, ones, transport: 0xFF, length: 0xFFFF_FFFF).folded == 0xFF)
    }

    struct Place: Equatable {
        var transport: UInt8
        var offset: Int
    }

    /// A datagram with these extension headers before 20 bytes of TCP; the header that says which is first.
    func walk(_ first: UInt8, _ extensions: [UInt8], given: Int? = nil, payload: Int? = nil) throws(IPv6Fault) -> Place
    {
        var all = head + extensions + [UInt8](repeating: 0xCC, count: 20)
        all[6] = first
        all[5] = UInt8(payload ?? extensions.count + 20)
        let space = bytes(all)
        defer { extendLifetime(space) }
        let view = space.bytes.readOnly.slice(0, given ?? all.count)
        let payload = try IPv6Payload(IPv6Header(view), view)
        return Place(transport: payload.transport, offset: payload.offset)
    }

    @Test("H-14: extension headers are skipped by their lengths, in host memory and within the datagram")
    func extensions() throws {
        #expect(try walk(6, []) == Place(transport: 6, offset: 40))
        #expect(try walk(59, []).transport == 59)
        let padding: [UInt8] = [1, 4, 0, 0, 0, 0]
        #expect(try walk(0, [6, 0] + padding).offset == 48)
        #expect(try walk(60, [6, 1] + padding + [0, 0, 0, 0, 0, 0, 1, 0]).offset == 56)
        #expect(try walk(43, [6, 0, 0, 0, 0, 0, 0, 0]).offset == 48)
        let chain: [UInt8] = [60, 0] + padding + [43, 0] + padding + [60, 0, 4, 0, 0, 0, 0, 0] + [6, 0] + padding
        #expect(try walk(0, chain) == Place(transport: 6, offset: 72))
        for given in 40..<72 { #expect(throws: IPv6Fault.truncated) { try walk(0, chain, given: given) } }
        for payload in 0..<32 { #expect(throws: IPv6Fault.length) { try walk(0, chain, payload: payload) } }
        // Hop-by-hop options anywhere but first, and headers longer than everything.
        #expect(throws: IPv6Fault.length) { try walk(60, [0, 0] + padding + [6, 0] + padding) }
        #expect(throws: IPv6Fault.length) { try walk(60, [6, 255] + padding) }
        for kind: UInt8 in [6, 17, 44, 60] {
            #expect(throws: IPv6Fault.fragment) { try walk(44, [kind, 255, 0, 1, 0, 0, 0, 0]) }
        }
        #expect(throws: IPv6Fault.notForUs) { try walk(43, [6, 0, 4, 1, 0, 0, 0, 0]) }
        // Unknown options: skipped, or not, as their upper bits say; and one that goes beyond its header.
        #expect(try walk(60, [6, 0, 0x3E, 4, 0, 0, 0, 0]).offset == 48)
        for kind: UInt8 in [0x40, 0x80, 0xC0] {
            #expect(throws: IPv6Fault.notForUs) { try walk(60, [6, 0, kind, 4, 0, 0, 0, 0]) }
        }
        #expect(throws: IPv6Fault.length) { try walk(60, [6, 0, 0x3E, 5, 0, 0, 0, 0]) }
        #expect(throws: IPv6Fault.length) { try walk(60, [6, 0, 1, 3, 0, 0, 0, 1]) }
    }

    @Test("Neighbour messages as written are read again; options of no length, or beyond the end, are refused")
    func neighbours() throws {
        let target = try #require(IPv6Address("2001:db8::9"))
        let space = HeapBytes(count: 40)
        space.bytes.fill(0)
        let message = NeighbourMessage(target: target, mac: MACAddress(2, 0, 0, 0, 0, 9))
        #expect(message.write(to: space.bytes, option: 1) == 32)
        let whole = space.bytes.readOnly
        #expect(
            whole.slice(8, 24).array() == [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [
                9, 1, 1, 2, 0, 0, 0, 0, 9,
            ])
        #expect(NeighbourMessage(whole.slice(0, 32), option: 1) == message)
        #expect(NeighbourMessage(whole.slice(0, 32), option: 2)?.mac == nil)
        #expect(NeighbourMessage(whole.slice(0, 24), option: 1)?.mac == nil)
        for count in Array(0..<24) + Array(25..<32) {
            #expect(NeighbourMessage(whole.slice(0, count), option: 1) == nil)
        }
        // An option that follows, of no length.
        #expect(NeighbourMessage(whole, option: 1) == nil)
        space.bytes[33] = 1
        #expect(NeighbourMessage(whole, option: 1) == message)
        space.bytes[33] = 2
        #expect(NeighbourMessage(whole, option: 1) == nil)
        space.bytes[8] = 0xFF
        #expect(NeighbourMessage(whole.slice(0, 32), option: 1) == nil)
        extendLifetime(space)
    }

    @Test("What an ICMPv6 error quotes is TCP's front, or nothing")
    func quoted() throws {
        let all = head + [0x1F, 0x90, 0, 80, 1, 2, 3, 4, 9, 9, 9, 9]
        let space = bytes(all)
        let segment = try #require(QuotedSegment6(space.bytes.readOnly))
        #expect(segment.sourcePort == 8080 && segment.destinationPort == 80 && segment.sequence == 0x0102_0304)
        #expect(segment.source == IPv6Address("2001:db8::1") && segment.destination == IPv6Address("fe80::ff:fe00:2"))
        for count in 0..<48 { #expect(QuotedSegment6(space.bytes.readOnly.slice(0, count)) == nil) }
        for next: UInt8 in [17, 44, 58, 43] {
            space.bytes[6] = next
            #expect(QuotedSegment6(space.bytes.readOnly) == nil)
        }
        extendLifetime(space)
    }
}
