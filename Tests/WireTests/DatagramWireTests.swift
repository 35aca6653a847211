import Packets
import Testing
import Timeline

@testable import Wire

@Suite struct DatagramWireTests {
    @Test func framesGoBothWaysWhole() throws {
        let scratch = try ScratchDirectory()
        var one = try DatagramWire(local: scratch.file("a"), remote: scratch.file("b"))
        var other = try DatagramWire(local: scratch.file("b"), remote: scratch.file("a"))
        var out = FrameQueue(depth: 8, frameCapacity: 2048)
        var into = FrameQueue(depth: 8, frameCapacity: 2048)
        push(frame(1, length: 1514), to: &out)
        push(frame(2, length: 60), to: &out)
        #expect(try one.transmit(from: &out, now: .zero) == 2)
        #expect(try other.receive(into: &into, now: .zero, limit: 8) == 2)
        #expect(drain(&into) == [frame(1, length: 1514), frame(2, length: 60)])
        push(frame(3), to: &out)
        #expect(try other.transmit(from: &out, now: .zero) == 1)
        #expect(try one.receive(into: &into, now: .zero, limit: 8) == 1)
        #expect(try one.receive(into: &into, now: .zero, limit: 8) == 0)
        #expect(drain(&into) == [frame(3)])
        #expect(one.statistics.transmittedBytes == 1574)
        #expect(one.nextDeadline == .never)
    }

    /// A frame that fills the queue's capacity fits; one byte more is counted and dropped, and the next one comes.
    @Test func aFrameTooLongIsDroppedWhole() throws {
        let scratch = try ScratchDirectory()
        var one = try DatagramWire(local: scratch.file("a"), remote: scratch.file("b"))
        var other = try DatagramWire(local: scratch.file("b"), remote: scratch.file("a"))
        var out = FrameQueue(depth: 8, frameCapacity: 2048)
        var into = FrameQueue(depth: 8, frameCapacity: 100)
        for length in [100, 101, 1000, 64] { push(frame(length, length: length), to: &out) }
        _ = try one.transmit(from: &out, now: .zero)
        #expect(try other.receive(into: &into, now: .zero, limit: 8) == 2)
        #expect(drainNumbers(&into) == [100, 64])
        #expect(other.statistics.oversizedFrames == 2)
    }

    /// A peer that is not there is an unplugged cable: counted, not an error.
    @Test func aMissingPeerRefusesFrames() throws {
        let scratch = try ScratchDirectory()
        var one = try DatagramWire(local: scratch.file("a"), remote: scratch.file("b"))
        var out = FrameQueue(depth: 8, frameCapacity: 2048)
        fill(&out, 0..<3)
        #expect(try one.transmit(from: &out, now: .zero) == 3)
        #expect(one.statistics.refusedFrames == 3)
        #expect(one.statistics.transmittedFrames == 0)
    }

    /// A peer that does not read pushes back: frames stay with the NIC, in order.
    @Test func aFullPeerPushesBack() throws {
        let scratch = try ScratchDirectory()
        var one = try DatagramWire(local: scratch.file("a"), remote: scratch.file("b"))
        var other = try DatagramWire(local: scratch.file("b"), remote: scratch.file("a"))
        var out = FrameQueue(depth: 4096, frameCapacity: 64)
        var into = FrameQueue(depth: 4096, frameCapacity: 64)
        fill(&out, 0..<4096)
        let first = try one.transmit(from: &out, now: .zero)
        #expect(first > 0 && first < 4096)
        #expect(out.count == 4096 - first)
        while into.count < 4096 {
            _ = try other.receive(into: &into, now: .zero, limit: 4096)
            _ = try one.transmit(from: &out, now: .zero)
        }
        #expect(drainNumbers(&into) == Array(0..<4096))
    }

    @Test func theSocketFileVanishesWithTheWire() throws {
        let scratch = try ScratchDirectory()
        do {
            let wire = try DatagramWire(local: scratch.file("a"), remote: scratch.file("b"))
            #expect(wire.fileDescriptor >= 0)
            #expect(scratch.entries == ["a"])
            #expect(throws: WireError.socketPathTaken(path: scratch.file("a"))) {
                _ = try DatagramWire(local: scratch.file("a"), remote: scratch.file("c"))
            }
            // The refused one must not take the owner's socket file with it.
            #expect(scratch.entries == ["a"])
        }
        #expect(scratch.entries.isEmpty)
    }

    @Test func badPathsAreRefused() throws {
        let long = "/" + String(repeating: "x", count: 107)
        #expect(throws: WireError.socketPathTooLong(path: long)) { _ = try DatagramWire(local: long, remote: "/tmp/x") }
        #expect(throws: WireError.socketPathTooLong(path: "")) { _ = try DatagramWire(local: "/tmp/x", remote: "") }
        #expect(throws: WireError.cannotBind(path: "/absent/x", errno: 2)) {
            _ = try DatagramWire(local: "/absent/x", remote: "/tmp/x")
        }
    }

    @Test func chosenByName() throws {
        let scratch = try ScratchDirectory()
        var one = try OpenWire(WireName(parsing: "dgram:\(scratch.file("a")),\(scratch.file("b"))"))
        var other = try OpenWire(WireName(parsing: "dgram:\(scratch.file("b")),\(scratch.file("a"))"))
        var out = FrameQueue(depth: 8, frameCapacity: 64)
        var into = FrameQueue(depth: 8, frameCapacity: 64)
        fill(&out, 0..<5)
        #expect(try one.transmit(from: &out, now: .zero) == 5)
        #expect(try other.receive(into: &into, now: .zero, limit: 3) == 3)
        #expect(try other.receive(into: &into, now: .zero, limit: 3) == 2)
        #expect(drainNumbers(&into) == Array(0..<5))
        #expect(other.statistics.receivedFrames == 5)
        #expect(one.fileDescriptor != nil)
        #expect(one.isFinished == false)
    }
}
