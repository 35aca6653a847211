import Foundation
import Packets
import Testing
import Timeline

@testable import Wire

/// Whether this process may create interfaces; without the right the kernel tests are skipped, and the tier that needs
/// them runs as root.
private let mayCreateInterfaces: Bool = {
    do {
        _ = try TapWire(name: "wiretest\(getpid() % 10000)")
        return true
    } catch { return false }
}()

private func interfaceExists(_ name: String) -> Bool { unsafe if_nametoindex(name) != 0 }

@Suite struct TapNameTests {
    @Test(arguments: ["", "a/b", "a b", "a:b", "tap%d", ".", "..", "sixteen-bytes-xx", "ü", "a\n"])
    func badNames(name: String) {
        #expect(throws: WireError.badInterfaceName(name: name)) { _ = try TapWire(name: name) }
    }

    @Test(arguments: ["a", "uio0", "tap-1.2_3", "fifteen-bytes-x"]) func goodNames(name: String) {
        #expect(TapWire.isInterfaceName(name))
    }
}

@Suite(.serialized, .enabled(if: mayCreateInterfaces)) struct TapWireTests {
    private let name = "wt\(getpid() % 100000)"

    /// Created with the value, up, and gone with it.
    @Test func aCreatedInterfaceVanishes() throws {
        do {
            let wire = try TapWire(name: name)
            #expect(wire.created == true)
            #expect(wire.name == name)
            #expect(wire.fileDescriptor >= 0)
            #expect(interfaceExists(name))
            #expect(try wire.mtu() == 1500)
            try wire.setMTU(9000)
            #expect(try wire.mtu() == 9000)
            #expect(throws: WireError.self) { try wire.setMTU(1) }
            #expect(throws: WireError.interfaceBusy(name: name)) { _ = try TapWire(name: name) }
        }
        #expect(!interfaceExists(name))
    }

    @Test func anotherKindOfInterfaceIsRefused() {
        #expect(throws: WireError.notATap(name: "lo")) { _ = try TapWire(name: "lo") }
    }

    /// The kernel announces itself on a fresh link (IPv6 router solicitation, MLD): frames arrive whole or not at all.
    @Test func framesReachTheKernel() throws {
        var wire = try TapWire(name: name)
        var out = FrameQueue(depth: 8, frameCapacity: 2048)
        // An ARP request for nobody: valid Ethernet, which the kernel counts as received.
        var arp = [UInt8](repeating: 0xFF, count: 6) + [2, 0, 0, 0, 0, 9] + [0x08, 0x06]
        arp += [UInt8](repeating: 0, count: 46)
        push(arp, to: &out)
        // Shorter than an Ethernet header: refused by the kernel, and it must not stop the next one.
        push([1, 2, 3], to: &out)
        push(arp, to: &out)
        #expect(try wire.transmit(from: &out, now: .zero) == 3)
        #expect(wire.statistics.transmittedFrames == 2)
        #expect(wire.statistics.refusedFrames == 1)
        #expect(wire.nextDeadline == .never)
        let counted = try String(contentsOfFile: "/sys/class/net/\(name)/statistics/rx_packets", encoding: .utf8)
        #expect(counted == "2\n")
        var into = FrameQueue(depth: 8, frameCapacity: 2048)
        _ = try wire.receive(into: &into, now: .zero, limit: 8)
        #expect(drain(&into).allSatisfy { $0.count >= 14 })
    }
}
