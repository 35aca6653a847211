import Packets
import Testing

@Suite struct AddressTests {
    @Test func macTextRoundTrip() {
        #expect(MACAddress("02:00:0a:ff:10:01")?.description == "02:00:0a:ff:10:01")
        #expect(MACAddress("02-00-0A-ff-10-01") == MACAddress(2, 0, 10, 255, 16, 1))
    }

    @Test(arguments: [
        "", "02:00:00:00:00", "02:00:00:00:00:00:00", "2:0:0:0:0:1", "02:00:00:00:00:0g", "+2:00:00:00:00:00",
    ])
    func macTextRefused(text: String) { #expect(MACAddress(text) == nil) }

    @Test func addressTextRoundTrip() {
        #expect(IPv4Address("10.0.0.1") == IPv4Address(10, 0, 0, 1))
        #expect(IPv4Address("255.255.255.255")?.description == "255.255.255.255")
        #expect(IPv4Address("0.0.0.0") == .any)
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "1..2.3", "01.2.3.4", "+1.2.3.4", "1.2.3.4 ", "a.b.c.d"])
    func addressTextRefused(text: String) { #expect(IPv4Address(text) == nil) }

    @Test func masksAndClasses() {
        #expect(IPv4Address.mask(prefixLength: 24) == 0xFFFF_FF00)
        #expect(IPv4Address.mask(prefixLength: 0) == 0)
        #expect(IPv4Address.mask(prefixLength: 32) == .max)
        #expect(IPv4Address(224, 0, 0, 1).isMulticast && !IPv4Address(223, 0, 0, 1).isMulticast)
        #expect(MACAddress(1, 0, 0x5E, 0, 0, 1).isGroup && !MACAddress(2, 0, 0, 0, 0, 1).isGroup)
    }
}
