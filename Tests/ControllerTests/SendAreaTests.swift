import ClientKit
import ControlBench
import Controller
import DeviceMemory
import Engine
import PagePool
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

/// Clients that send from slots of their regions.
extension ControllerTests {
    private static let peer: UInt32 = 0x0A00_0002

    /// Fills an area with bytes that are known by its number; those bytes.
    private func fill(_ client: BenchClient, _ area: FragmentRecord, _ number: Int) throws -> [UInt8] {
        let payload = client.session.payload(area)
        let view = try #require(payload)
        let bytes = (0..<view.count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ number) }
        for (i, byte) in bytes.enumerated() { view[i] = byte }
        return bytes
    }

    /// Sends all of an area, in four pieces.
    private func sendInFour(_ client: BenchClient, _ area: FragmentRecord, on id: UInt32) {
        let length = area.length / 4
        for n in 0..<4 {
            let offset = area.offset + UInt64(n) * UInt64(length)
            let queued = client.client.send(region: area.region, offset: offset, length: length, on: id)
            #expect(queued)
        }
    }

    @Test(
        "a client sends from slots that it is lent, of one region and of the next, and nobody but it and the device reads or writes there (U.26, U.28, U.31, S1.06)"
    )
    func sendArea() throws {
        let bench = try Bench()
        defer { bench.end() }
        var wanted = options()
        wanted.sendBytes = 100 * 2048 - 5
        let client = try BenchClient(bench.path, wanted, port: 6000)
        // What arrives meanwhile arrives elsewhere.
        bench.on { $0.peer.add(6000) }
        let told = client.take { $0.areas.count == 1 && $0.deviceBytes > 100_000 }
        let first = try #require(client.areas.first)
        #expect(told && first.region == client.region && first.length == 100 * 2048)
        var expected = try fill(client, first, 1)
        let id = try client.session.connect(address: ControllerTests.peer, port: Peer.listeningPort, .shared)
        let opened = client.take { $0.connections.contains(id) }
        #expect(opened)
        sendInFour(client, first, on: id)
        // Beside what it is lent is the device's, or whoever holds it.
        let beside = first.offset > 0 ? 0 : first.offset + UInt64(first.length)
        let asked = client.client.send(region: first.region, offset: beside, length: 10, on: id)
        client.client.flush()
        let over = client.take { $0.sends.reduce(0) { $0 + $1.length } == 4 && $0.sends.contains { $0.length == 0 } }
        #expect(asked && over && client.sends.allSatisfy { $0.isAcknowledged == ($0.length > 0) })
        // Not in the expectation itself, which would look for the difference of so many bytes for minutes.
        let arrived = bench.on { $0.peer.received } == expected
        #expect(arrived && client.wrong == 0)
        // The books have counted what was refused, and nothing else is wrong.
        #expect(bench.problems() == ["1 refused operations"])
        // Another region, of which as much is lent; nothing is kept of the old one.
        let next = try client.session.rehome(wanted)
        let moved = client.take { $0.areas.count == 2 }
        let second = try #require(client.areas.last)
        #expect(moved && second.region == next && second.length == first.length)
        expected += try fill(client, second, 2)
        sendInFour(client, second, on: id)
        client.client.flush()
        let again = client.take { $0.sends.reduce(0) { $0 + $1.length } == 8 }
        let arrivedAgain = bench.on { $0.peer.received } == expected
        #expect(again && arrivedAgain)
        #expect(bench.waits { $0.controller.engine.bindings(now: $0.nic.now).count == 1 })
        #expect(bench.problems() == ["1 refused operations"] && client.wrong == 0)
    }

    @Test(
        "a client that dies in mid-send leaves its memory to the device until the connection is over, and no longer (U.29)"
    )
    func deathInMidSend() throws {
        let bench = try Bench()
        defer { bench.end() }
        var wanted = options()
        wanted.sendBytes = 256 << 10
        for _ in 0..<5 {
            var client: BenchClient? = try BenchClient(bench.path, wanted)
            let told = client?.take { $0.areas.count == 1 }
            let area = try #require(client?.areas.first)
            let id = try client?.session.connect(address: ControllerTests.peer, port: Peer.listeningPort, .shared)
            let opened = client?.take { $0.connections.contains(id ?? 0) }
            let queued = client?.client.send(region: area.region, offset: area.offset, length: area.length, on: id ?? 0)
            client?.client.flush()
            #expect(told == true && opened == true && queued == true)
            client = nil
            #expect(bench.waits { !$0.controller.engine.isPortOpen(0) })
            #expect(bench.waits { $0.controller.engine.bindings(now: $0.nic.now).isEmpty })
            #expect(bench.on { $0.controller.engine.report().ledger.transmit } == 0)
            #expect(bench.problems().isEmpty)
        }
    }

    @Test("more than a region has is not lent, and nothing where nobody sends from regions (U.27, U.30)")
    func noSendArea() throws {
        let bench = try Bench()
        defer { bench.end() }
        var wanted = options()
        for bytes in [wanted.regionBytes, (1024 - Bench.descriptors - 16) * 2048, .max] {
            wanted.sendBytes = bytes
            #expect(status { _ = try BenchClient(bench.path, wanted) } == .regionTooSmall, "\(bytes)")
        }
        // What its connections were promised is not given away by a second request.
        wanted.sendBytes = 2048
        let client = try BenchClient(bench.path, wanted)
        wanted.sendBytes = 4096
        #expect(status { _ = try client.session.rehome(wanted) } == .regionTooSmall)
        #expect(bench.problems().isEmpty)
        var plain = BenchOptions()
        plain.placedSends = 0
        let other = try Bench(plain)
        defer { other.end() }
        #expect(status { _ = try BenchClient(other.path, wanted) } == .noSending)
        #expect(status { _ = try BenchClient(other.path, options()) } == .done)
        #expect(other.problems().isEmpty)
    }
}
