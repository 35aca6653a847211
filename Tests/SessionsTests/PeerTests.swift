import Foundation
import Logging
import Synchronization
import Testing

import DeviceMemory
import Packets
import TCPLite

@testable import Sessions

private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A directory for sockets and files, gone with the test.
private final class Scratch: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "uiodrv-peer-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// What the peer's thread has to say when it has ended.
private final class Outcome: Sendable {
    let result = Mutex<Result<PeerResult, SessionError>?>(nil)
    let ended = DispatchSemaphore(value: 0)
}

private func start(_ options: PeerOptions) -> Outcome {
    let outcome = Outcome()
    let thread = Thread {
        let result = Result { () throws(SessionError) in try Session.peer(options, progress: { _ in }) }
        outcome.result.withLock { $0 = result }
        outcome.ended.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    return outcome
}

extension Outcome {
    fileprivate func wait() throws -> PeerResult {
        ended.wait()
        return try #require(result.withLock { $0 }).get()
    }
}

private func transfer(
    _ scratch: Scratch, address6: String? = nil, _ change: (inout PeerOptions) -> Void
) throws -> (PeerResult, ReceiveResult) {
    var peer = PeerOptions()
    peer.wire = "dgram:\(scratch.path)/peer,\(scratch.path)/nic"
    peer.bytes = 500_000
    peer.patienceS = 30
    change(&peer)
    var receiver = ReceiveOptions()
    receiver.station.address6 = address6
    receiver.device.regionBytes = 8 << 20
    receiver.station.wire = "dgram:\(scratch.path)/nic,\(scratch.path)/peer"
    receiver.connections = peer.flows
    let outcome = start(peer)
    let received = try Session.receive(receiver, log: log, progress: { _ in })
    return (try outcome.wait(), received)
}

@Suite struct PeerTests {
    @Test("what a peer sends over a datagram wire arrives, and both ends name streams and digests alike")
    func digests() throws {
        let (sent, received) = try transfer(try Scratch()) {
            $0.flows = 3
            $0.impairments.loss = 0.01
            $0.impairments.duplicate = 0.01
        }
        #expect(sent.problems == [] && received.transfer.problems == [])
        let ours = Dictionary(uniqueKeysWithValues: sent.digests.map { ($0.peer, $0.sha256) })
        let theirs = Dictionary(uniqueKeysWithValues: received.digests.map { ($0.peer, $0.sha256) })
        #expect(ours.count == 3 && ours == theirs)
        #expect(sent.bytes == 500_000 && received.transfer.bytes == 500_000)
        #expect(sent.retransmittedBytes > 0)
    }

    @Test(
        "the same over IPv6, from an address beside the one on the link and from that one",
        arguments: ["fd00::", "fe80::"])
    func overIPv6(network: String) throws {
        let (sent, received) = try transfer(try Scratch(), address6: network + "1/64") {
            $0.address = network + "2"
            $0.receiver = "[\(network)1]:5001"
            $0.flows = 2
            $0.impairments.loss = 0.01
        }
        #expect(sent.problems == [] && received.transfer.problems == [])
        let ours = Dictionary(uniqueKeysWithValues: sent.digests.map { ($0.peer, $0.sha256) })
        let theirs = Dictionary(uniqueKeysWithValues: received.digests.map { ($0.peer, $0.sha256) })
        #expect(ours.count == 2 && ours == theirs && ours["[\(network)2]:40000"] != nil)
    }

    @Test("addresses that cannot be are refused with a reason")
    func refusedAddresses() throws {
        for (own, receiver) in [
            ("fd00::2", "10.0.0.1:5001"), ("10.0.0.2", "[fd00::1]:5001"), ("fd00::2", "fd00::1:5001"),
            ("fd00::2", "[fd00::2]:5001"), ("fd00::2", "[fd01::1]:5001"), ("10.0.0.2", "10.0.1.1:5001"),
        ] {
            var options = PeerOptions()
            options.wire = "dgram:/nowhere/a,/nowhere/b"
            options.address = own
            options.receiver = receiver
            #expect(throws: SessionError.self, "\(own) \(receiver)") { try Session.peer(options, progress: { _ in }) }
        }
        for bad in ["fd00::1", "fd00::1/0", "fd00::1/128", "::1/64", "ff02::1/64", "10.0.0.1/24", "fd00::1/64/1"] {
            var station = StationOptions()
            station.address6 = bad
            #expect(throws: SessionError.self, "\(bad)") { try station.interface(mtu: 1500) }
        }
        var station = StationOptions()
        station.gateway6 = "fe80::fe"
        #expect(throws: SessionError.self) { try station.interface(mtu: 1500) }
        station.address6 = "fd00::1/64"
        let interface = try station.interface(mtu: 1500)
        #expect(
            interface.ipv6?.gateway?.description == "fe80::fe"
                && interface.ipv6?.linkLocal.description == "fe80::ff:fe00:1")
        #expect(throws: SessionError.self) { try station.interface(mtu: 1279) }
    }

    @Test("every flow of a peer with an input sends the whole file, byte for byte")
    func file() throws {
        let scratch = try Scratch()
        let content = Data((0..<200_001).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
        try content.write(to: URL(fileURLWithPath: scratch.path + "/input"))
        let (sent, received) = try transfer(scratch) {
            $0.input = scratch.path + "/input"
            $0.flows = 2
        }
        #expect(sent.problems == [] && received.transfer.problems == [])
        var digest = StreamDigest()
        unsafe content.withUnsafeBytes {
            digest.update(unsafe ByteView(base: $0.baseAddress!, count: $0.count)) { _ in }
        }
        digest.flush { _ in }
        let expected = hexadecimal(digest.finish())
        #expect(sent.digests.map(\.sha256) == [expected, expected])
        #expect(received.digests.map(\.sha256) == [expected, expected])
    }

    @Test("a receiver that is not there is said within the patience, and nothing is left in the file system")
    func nobody() throws {
        let scratch = try Scratch()
        var options = PeerOptions()
        options.wire = "dgram:\(scratch.path)/peer,\(scratch.path)/nic"
        options.patienceS = 1
        let result = try start(options).wait()
        #expect(!result.ok && result.problems.count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == [])
    }

    @Test(
        "what a peer cannot do is refused in one sentence",
        arguments: [
            ("address", "10.0.0"), ("receiver", "10.0.0.1"), ("receiver", "10.0.0.1:0"), ("receiver", "10.0.1.1:5001"),
            ("receiver", "10.0.0.2:5001"), ("wire", "nothing"), ("input", "/nonexistent"), ("input", "/dev/null"),
        ])
    func refused(_ option: String, _ value: String) throws {
        var options = PeerOptions()
        options.wire = "dgram:/nonexistent/a,/nonexistent/b"
        switch option {
        case "address": options.address = value
        case "receiver": options.receiver = value
        case "input": options.input = value
        default: options.wire = value
        }
        let error = #expect(throws: SessionError.self) { try start(options).wait() }
        #expect(error?.description.contains(value) == true)
    }
}
