import Packets
import Testing
import Timeline

@testable import Wire

@Suite struct InProcessLinkTests {
    @Test func framesArriveAfterTheDelayInBothDirections() throws {
        var link = InProcessLink(depth: 16, frameCapacity: 256, delay: .microseconds(5))
        var peerOut = FrameQueue(depth: 16, frameCapacity: 256)
        var peerIn = FrameQueue(depth: 16, frameCapacity: 256)
        var nicOut = FrameQueue(depth: 16, frameCapacity: 256)
        var nicIn = FrameQueue(depth: 16, frameCapacity: 256)
        let start = Instant(nanoseconds: 100)
        #expect(link.nextDeadline == .never)
        push(frame(1), to: &peerOut, mark: .claimBad)
        #expect(link.send(from: &peerOut, now: start) == 1)
        #expect(peerOut.isEmpty == true)
        fill(&nicOut, 2..<4)
        #expect(try link.transmit(from: &nicOut, now: start + .microseconds(1)) == 2)
        #expect(link.nextDeadline == start + .microseconds(5))
        #expect(link.inFlight == 3)

        #expect(try link.receive(into: &nicIn, now: start + .nanoseconds(4999), limit: 16) == 0)
        #expect(try link.receive(into: &nicIn, now: start + .microseconds(5), limit: 16) == 1)
        #expect(nicIn.frontMark == .claimBad)
        #expect(drain(&nicIn) == [frame(1)])
        #expect(link.nextDeadline == start + .microseconds(6))
        #expect(link.deliver(into: &peerIn, now: start + .microseconds(5), limit: 16) == 0)
        #expect(link.deliver(into: &peerIn, now: start + .microseconds(6), limit: 1) == 1)
        #expect(link.deliver(into: &peerIn, now: start + .microseconds(6), limit: 16) == 1)
        #expect(drain(&peerIn) == [frame(2), frame(3)])
        #expect(link.nextDeadline == .never)
    }

    /// A full cable pushes back; nothing is lost on it.
    @Test func aFullLinkLeavesFramesWithTheSender() throws {
        var link = InProcessLink(depth: 4, frameCapacity: 64)
        var out = FrameQueue(depth: 8, frameCapacity: 64)
        var sink = FrameQueue(depth: 2, frameCapacity: 64)
        fill(&out, 0..<8)
        #expect(try link.transmit(from: &out, now: .zero) == 4)
        #expect(out.count == 4)
        #expect(link.deliver(into: &sink, now: .zero, limit: 8) == 2)
        #expect(try link.transmit(from: &out, now: .zero) == 2)
        var numbers = drainNumbers(&sink)
        while link.inFlight > 0 || !out.isEmpty {
            _ = link.deliver(into: &sink, now: .zero, limit: 8)
            _ = try link.transmit(from: &out, now: .zero)
            numbers += drainNumbers(&sink)
        }
        #expect(numbers == Array(0..<8))
    }

    @Test func aFrameTooLongForTheReceiverDoesNotBlockTheCable() throws {
        var link = InProcessLink(depth: 4, frameCapacity: 256)
        var out = FrameQueue(depth: 4, frameCapacity: 256)
        var sink = FrameQueue(depth: 4, frameCapacity: 64)
        push(frame(0, length: 200), to: &out)
        push(frame(1), to: &out)
        _ = link.send(from: &out, now: .zero)
        _ = try link.receive(into: &sink, now: .zero, limit: 4)
        #expect(drainNumbers(&sink) == [1])
        #expect(link.inFlight == 0)
    }
}

@Suite struct ImpairedTests {
    @Test func aCleanWirePassesStraightThrough() throws {
        var wire = Impaired(ScriptedWire(), seed: 1, frameCapacity: 2048)
        fill(&wire.inner.incoming, 0..<100)
        var nicIn = FrameQueue(depth: 128, frameCapacity: 2048)
        #expect(try wire.receive(into: &nicIn, now: .zero, limit: 70) == 70)
        #expect(try wire.receive(into: &nicIn, now: .zero, limit: 70) == 30)
        #expect(drainNumbers(&nicIn) == Array(0..<100))
        #expect(wire.nextDeadline == .never)
    }

    /// Each direction has impairments of its own.
    @Test func directionsAreSeparate() throws {
        var lose = Impairments()
        lose.loss = Probability(1)
        var double = Impairments()
        double.duplicate = Probability(1)
        var wire = Impaired(ScriptedWire(), receive: lose, transmit: double, seed: 1, frameCapacity: 2048)
        fill(&wire.inner.incoming, 0..<300)
        var nicIn = FrameQueue(depth: 512, frameCapacity: 2048)
        #expect(try wire.receive(into: &nicIn, now: .zero, limit: 512) == 0)
        #expect(wire.receiveStatistics.lost == 300)
        var nicOut = FrameQueue(depth: 512, frameCapacity: 2048)
        fill(&nicOut, 0..<300)
        #expect(try wire.transmit(from: &nicOut, now: .zero) == 300)
        #expect(drainNumbers(&wire.inner.outgoing) == (0..<300).flatMap { [$0, $0] })
        #expect(wire.transmitStatistics.duplicated == 300)
    }

    /// A frame held on its way out leaves although the NIC transmits nothing more and only polls for input.
    @Test func theTransmitTailIsNeverStuck() throws {
        var hold = Impairments()
        hold.reorder = Reordering(probability: Probability(1), depth: 8)
        var wire = Impaired(ScriptedWire(), transmit: hold, seed: 1, frameCapacity: 2048)
        var nicOut = FrameQueue(depth: 4, frameCapacity: 2048)
        var nicIn = FrameQueue(depth: 4, frameCapacity: 2048)
        fill(&nicOut, 0..<2)
        #expect(try wire.transmit(from: &nicOut, now: .zero) == 2)
        #expect(wire.inner.outgoing.isEmpty == true)
        let deadline = wire.nextDeadline
        #expect(deadline != .never)
        #expect(try wire.receive(into: &nicIn, now: deadline, limit: 4) == 0)
        #expect(drainNumbers(&wire.inner.outgoing) == [0, 1])
        #expect(wire.nextDeadline == .never)
    }

    /// An inner wire without room delays frames; it loses none and keeps their order.
    @Test func innerBackPressureLosesNothing() throws {
        var jitter = Impairments()
        jitter.jitter = .microseconds(2)
        var wire = Impaired(ScriptedWire(), transmit: jitter, seed: 1, depth: 16, frameCapacity: 2048)
        wire.inner.room = 3
        var nicOut = FrameQueue(depth: 512, frameCapacity: 2048)
        fill(&nicOut, 0..<400)
        var now = Instant.zero
        while !nicOut.isEmpty || wire.nextDeadline != .never {
            _ = try wire.transmit(from: &nicOut, now: now)
            now = now + .microseconds(1)
        }
        #expect(drainNumbers(&wire.inner.outgoing) == Array(0..<400))
    }

    @Test func marksReachTheNIC() throws {
        var lie = Impairments()
        lie.lie = Probability(1)
        lie.corrupt = Probability(1)
        var wire = Impaired(ScriptedWire(), receive: lie, seed: 1, frameCapacity: 2048)
        fill(&wire.inner.incoming, 0..<1)
        var nicIn = FrameQueue(depth: 4, frameCapacity: 2048)
        #expect(try wire.receive(into: &nicIn, now: .zero, limit: 4) == 1)
        #expect(nicIn.frontMark == .claimGood)
    }
}
