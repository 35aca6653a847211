import DeviceMemory
import Packets
import Testing

/// Bytes on the heap, for a test.
func bytes(_ values: [UInt8]) -> HeapBytes {
    let space = HeapBytes(count: values.count)
    for (i, value) in values.enumerated() { space.bytes[i] = value }
    return space
}

/// Layouts against bytes written down by hand from the standards.
@Suite struct HeaderLayoutTests {
    @Test func ethernetWithoutTags() throws {
        let frame = bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x08, 0x00])
        let header = try #require(EthernetHeader(frame.bytes.readOnly))
        #expect(header.destination == MACAddress(2, 0, 0, 0, 0, 1) && header.source == MACAddress(2, 0, 0, 0, 0, 9))
        #expect(header.type == EthernetHeader.typeIPv4 && header.length == 14)
        let copy = HeapBytes(count: 14)
        header.write(to: copy.bytes)
        #expect(copy.bytes.readOnly.array() == frame.bytes.readOnly.array())
    }

    @Test func ethernetWithTwoTags() throws {
        let raw: [UInt8] = [
            2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x88, 0xA8, 0, 7, 0x81, 0, 0x60, 9, 0x08, 0x06,
        ]
        let frame = bytes(raw)
        let header = try #require(EthernetHeader(frame.bytes.readOnly))
        #expect(header.tags == LinkTags(outer: 0x88A8_0007, inner: 0x8100_6009))
        #expect(header.type == EthernetHeader.typeARP && header.length == 22)
        let copy = HeapBytes(count: 22)
        header.write(to: copy.bytes)
        #expect(copy.bytes.readOnly.array() == raw)
        for count in 0..<22 { #expect(EthernetHeader(frame.bytes.readOnly.slice(0, count)) == nil) }
    }

    @Test func arp() throws {
        let raw: [UInt8] = [
            0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1,
        ]
        let space = bytes(raw)
        let packet = try #require(ARPPacket(space.bytes.readOnly))
        #expect(packet.operation == ARPPacket.request && packet.senderAddress == IPv4Address(10, 0, 0, 9))
        #expect(packet.targetAddress == IPv4Address(10, 0, 0, 1) && packet.senderMAC == MACAddress(2, 0, 0, 0, 0, 9))
        let copy = HeapBytes(count: 28)
        packet.write(to: copy.bytes)
        #expect(copy.bytes.readOnly.array() == raw)
        #expect(ARPPacket(space.bytes.readOnly.slice(0, 27)) == nil)
        space.bytes[1] = 6
        #expect(ARPPacket(space.bytes.readOnly) == nil)
    }

    @Test("H-14: version, header length and total length; the checksum of a header from RFC 1071's family")
    func ipv4() throws {
        // The header that textbooks compute as 0xB861.
        let raw: [UInt8] = [
            0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xB8, 0x61, 0xC0, 0xA8, 0, 1, 0xC0, 0xA8, 0, 0xC7,
        ]
        let space = bytes(raw)
        let header = try IPv4Header(space.bytes.readOnly)
        #expect(header.checksumIsGood(space.bytes.readOnly) && header.totalLength == 0x73 && !header.isFragment)
        #expect(header.transport == IPv4Header.protocolUDP && header.destination == IPv4Address(192, 168, 0, 199))
        let copy = HeapBytes(count: 20)
        header.write(to: copy.bytes)
        #expect(copy.bytes.readOnly.array() == raw)
        for count in 0..<20 {
            #expect(throws: IPv4Fault.truncated) { _ = try IPv4Header(space.bytes.readOnly.slice(0, count)) }
        }
        space.bytes[0] = 0x65
        #expect(throws: IPv4Fault.version) { _ = try IPv4Header(space.bytes.readOnly) }
        space.bytes[0] = 0x44
        #expect(throws: IPv4Fault.length) { _ = try IPv4Header(space.bytes.readOnly) }
        space.bytes[0] = 0x46
        #expect(throws: IPv4Fault.truncated) { _ = try IPv4Header(space.bytes.readOnly) }
        space.bytes[0] = 0x45
        space.bytes[3] = 19
        #expect(throws: IPv4Fault.length) { _ = try IPv4Header(space.bytes.readOnly) }
        space.bytes[3] = 0x73
        space.bytes[6] = 0x20
        #expect(try IPv4Header(space.bytes.readOnly).isFragment)
        #expect(try !IPv4Header(space.bytes.readOnly).checksumIsGood(space.bytes.readOnly))
    }

    @Test func icmp() throws {
        let space = bytes([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3])
        ICMPMessage(type: ICMPMessage.echoRequest, code: 0, rest: 0x0102_0304).write(to: space.bytes)
        #expect(ICMPMessage.checksumIsGood(space.bytes.readOnly))
        let message = try #require(ICMPMessage(space.bytes.readOnly))
        #expect(message.type == 8 && message.rest == 0x0102_0304 && !message.isError)
        space.bytes[9] ^= 4
        #expect(!ICMPMessage.checksumIsGood(space.bytes.readOnly))
        #expect(ICMPMessage(space.bytes.readOnly.slice(0, 7)) == nil)
    }

    @Test("H-10, H-11, H-12: TCP's fixed header")
    func tcp() throws {
        let raw: [UInt8] = [
            0x13, 0x88, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 0xFF, 0xFE, 0xAB, 0xCD, 0, 9,
        ]
        let space = bytes(raw)
        let header = try #require(TCPHeader(space.bytes.readOnly))
        #expect(header.sourcePort == 5000 && header.destinationPort == 80 && header.sequence == 0x0102_0304)
        #expect(header.acknowledgement == 0x0506_0708 && header.flags == [.ack, .psh] && header.window == 65534)
        #expect(header.checksum == 0xABCD && header.urgentPointer == 9 && header.headerLength == 20)
        let copy = HeapBytes(count: 20)
        header.write(to: copy.bytes)
        #expect(copy.bytes.readOnly.array() == raw)
        space.bytes[12] = 0x5F
        #expect(TCPHeader(space.bytes.readOnly)?.flags == [.ack, .psh])
        for offset: UInt8 in [0, 4, 6, 15] {
            space.bytes[12] = offset << 4
            #expect(TCPHeader(space.bytes.readOnly) == nil)
        }
        for count in 0..<20 { #expect(TCPHeader(space.bytes.readOnly.slice(0, count)) == nil) }
    }

    @Test("H-05, H-09, H-10: options as written are read again, at every alignment")
    func options() {
        let space = HeapBytes(count: 80)
        for shift in 0..<4 {
            space.bytes.fill(1)
            var writer = TCPOptionWriter(space.bytes.from(shift))
            writer.mss(1460)
            writer.sackPermitted()
            writer.timestamps(value: 7, echo: 9)
            writer.windowScale(5)
            writer.sack(count: 1)
            writer.sackBlock(100, 200)
            let length = writer.finish()
            #expect(length % 4 == 0)
            let options = TCPOptions(space.bytes.readOnly.slice(0, shift + length))
            #expect(options.mss == 1460 && options.sackPermitted && options.windowScale == 5 && !options.isMalformed)
            #expect(options.hasTimestamps && options.timestampValue == 7 && options.timestampEcho == 9)
            #expect(options.sackCount == 1 && space.bytes.readOnly.be32(options.sackOffset) == 100)
        }
    }

    @Test("H-07, H-08: any bytes parse without harm, and what they claim lies within them")
    func anyOptions() {
        var state: UInt64 = 1
        let space = HeapBytes(count: 40)
        for _ in 0..<20_000 {
            for i in 0..<40 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                // Kinds and lengths that mean something, more often than not.
                space.bytes[i] = state & 1 << 40 == 0 ? UInt8(state >> 56) : UInt8(state >> 60)
            }
            let count = Int(state >> 33) % 41
            let options = TCPOptions(space.bytes.readOnly.slice(0, count))
            #expect(options.sackCount == 0 || options.sackOffset + 8 * options.sackCount <= count)
        }
    }
}
