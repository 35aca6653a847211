import Testing
import Timeline

@testable import Wire

@Suite struct ImpairmentTextTests {
    @Test(arguments: [("0", 0.0), ("1", 1.0), ("0.01", 0.01), ("1e-3", 0.001), ("0.5", 0.5)])
    func probabilities(text: String, value: Double) throws {
        #expect(try Impairments.parseProbability(text) == Probability(value))
    }

    @Test(arguments: ["", "x", "-0.1", "1.01", "nan", "inf", "1%", "0x1p-1", " 0.1", "0,1"])
    func badProbabilities(text: String) {
        #expect(throws: WireError.badProbability(text: text)) { try Impairments.parseProbability(text) }
    }

    @Test func reorderings() throws {
        #expect(try Reordering(parsing: "0.02:8") == Reordering(probability: Probability(0.02), depth: 8))
        #expect(try Reordering(parsing: "0.5") == Reordering(probability: Probability(0.5), depth: 1))
        #expect(try Reordering(parsing: "0.5:64").depth == 64)
    }

    @Test(arguments: ["", ":", ":8", "0.1:", "0.1:0", "0.1:65", "0.1:-1", "2:8", "0.1:8:9", "0.1:x"])
    func badReorderings(text: String) {
        #expect(throws: WireError.badReorder(text: text)) { try Reordering(parsing: text) }
    }

    @Test func wireNames() throws {
        #expect(try WireName(parsing: "tap:uio0") == .tap(name: "uio0"))
        #expect(try WireName(parsing: "pcap:/tmp/a:b.pcap") == .pcap(path: "/tmp/a:b.pcap"))
        #expect(try WireName(parsing: "dgram:/a,/b") == .datagram(local: "/a", remote: "/b"))
    }

    @Test(arguments: ["", "tap", "tap:", "eth:0", "dgram:/a", "dgram:/a,/b,/c", ":x"])
    func badWireNames(text: String) {
        #expect(throws: WireError.unknownWire(text: text)) { try WireName(parsing: text) }
    }

    /// Messages to people are one line and say what to do.
    @Test func messagesAreOneSentence() {
        let errors: [WireError] = [
            .unknownWire(text: "x"), .badInterfaceName(name: "x"), .noTunDevice(errno: 2), .missingPrivilege(name: "x"),
            .notATap(name: "x"), .interfaceBusy(name: "x"), .cannotAttach(name: "x", errno: 5),
            .cannotConfigure(name: "x", what: "read the MTU", errno: 19), .lost(name: "x", errno: 77),
            .socketPathTooLong(path: "x"), .socketPathTaken(path: "x"), .cannotBind(path: "x", errno: 13),
            .cannotOpenCapture(path: "x", reason: "r"), .notEthernet(path: "x", linkType: "RAW"),
            .cannotWriteCapture(path: "x", reason: "r"), .badProbability(text: "x"), .badReorder(text: "x"),
        ]
        for error in errors {
            #expect(!error.description.contains("\n"))
            #expect(error.description.contains(";"))
            #expect(error.description.contains("x") || error == .noTunDevice(errno: 2))
        }
    }
}
