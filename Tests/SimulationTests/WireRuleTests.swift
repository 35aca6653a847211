import DeviceMemory
import Packets
import Testing
import Timeline

@testable import Simulation

/// Every rule of the wire is broken once, beside what just keeps it.
@Suite struct WireRuleTests {
    @Test("a connection that keeps the rules breaks none")
    func kept() {
        let wire = Wiretap().open()
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 1000) == nil)
        #expect(wire.send(0, .ack, at: 2001, ack: 1, bytes: 1000) == nil)
        #expect(wire.send(1, .ack, at: 1, ack: 1001, blocks: [(2001, 3001)]) == nil)
        #expect(wire.send(0, .ack, at: 1001, ack: 1, bytes: 1000) == nil)
        #expect(wire.send(1, .ack, at: 1, ack: 3001) == nil)
        wire.may[1].isShut = true
        wire.may[1].written = 5
        #expect(wire.send(1, [.ack, .fin], at: 1, ack: 3001, bytes: 5) == nil)
        #expect(wire.send(0, .ack, at: 3001, ack: 7) == nil)
    }

    @Test("ACKs of what was not heard, and ACKs that go back, are found (A-01)")
    func acknowledgements() {
        let wire = Wiretap().open()
        wire.send(0, .ack, at: 1, ack: 1, bytes: 1000, isLost: true)
        #expect(wire.send(1, .ack, at: 1, ack: 2) == .acknowledgesUnheard)
        wire.send(0, .ack, at: 1001, ack: 1, bytes: 10)
        #expect(wire.send(1, .ack, at: 1, ack: 1011) == .acknowledgesUnheard)
        wire.now = wire.now + .milliseconds(300)
        wire.send(0, .ack, at: 1, ack: 1, bytes: 1000)
        #expect(wire.send(1, .ack, at: 1, ack: 1011) == nil)
        #expect(wire.send(1, .ack, at: 1, ack: 1010) == .acknowledgementRetreats)
        let unheard = Wiretap()
        #expect(unheard.send(1, [.syn, .ack], at: 0, ack: 1) == .acknowledgesUnheard)
    }

    @Test("a window's edge that goes back by more than the scale's rounding is found, that of a SYN included")
    func windows() {
        let wire = Wiretap().open()
        #expect(wire.send(0, .ack, at: 1, ack: 1, window: 999) == .windowRetreats)
        wire.send(1, .ack, at: 1, ack: 1, bytes: 3)
        #expect(wire.send(0, .ack, at: 1, ack: 4, window: 1000) == nil)
        wire.send(1, .ack, at: 4, ack: 1, bytes: 1)
        #expect(wire.send(0, .ack, at: 1, ack: 5, window: 999) == nil)
        let syn = Wiretap()
        syn.send(0, .syn, at: 0, window: 9000)
        syn.send(1, [.syn, .ack], at: 0, ack: 1)
        #expect(syn.send(0, .ack, at: 1, ack: 1, window: 2000) == .windowRetreats)
    }

    @Test("SACK blocks that were not heard, lie below the ACK, overlap or were not agreed on are found")
    func reports() {
        let wire = Wiretap().open()
        wire.send(0, .ack, at: 1001, ack: 1, bytes: 500)
        wire.send(0, .ack, at: 2001, ack: 1, bytes: 500)
        #expect(wire.send(1, .ack, at: 1, ack: 1, blocks: [(1001, 1502)]) == .reportUntrue)
        #expect(wire.send(1, .ack, at: 1, ack: 1, blocks: [(2001, 2501), (1001, 1501)]) == nil)
        #expect(wire.send(1, .ack, at: 1, ack: 1, blocks: [(1101, 1501), (1001, 1201)]) == .reportUntrue)
        #expect(wire.send(1, .ack, at: 1, ack: 1, blocks: [(2001, 2501), (1501, 1001)]) == .reportUntrue)
        wire.send(0, .ack, at: 1, ack: 1, bytes: 1000)
        #expect(wire.send(1, .ack, at: 1, ack: 1501, blocks: [(2001, 2501), (1001, 1501)]) == .reportUntrue)
        #expect(wire.send(1, .ack, at: 1, ack: 1501, blocks: [(1, 501), (2001, 2501)]) == nil)
        let plain = Wiretap()
        plain.syn = [2, 4, 5, 0xB4, 1, 3, 3, 2]
        _ = plain.open()
        plain.send(0, .ack, at: 101, ack: 1, bytes: 100)
        #expect(plain.send(1, .ack, at: 1, ack: 1, blocks: [(101, 201)]) == .optionNotAgreed)
    }

    @Test("segments after a reset are found")
    func reset() {
        let wire = Wiretap().open()
        #expect(wire.send(0, [.rst, .ack], at: 1, ack: 1) == nil)
        #expect(wire.send(0, .ack, at: 1, ack: 1) == .afterReset)
    }

    @Test("after a reset an old SYN opens another connection, with a window of its own, though its numbers be the same")
    func rebirth() {
        let wire = Wiretap()
        wire.send(0, .syn, at: 0)
        #expect(wire.send(1, [.syn, .ack], at: 0, ack: 1) == nil)
        #expect(wire.send(1, [.syn, .ack], at: 0, ack: 1, window: 3000) == .windowRetreats)
        wire.send(0, [.rst, .ack], at: 1, ack: 1)
        #expect(wire.send(1, [.syn, .ack], at: 0, ack: 1, window: 3000) == nil)
    }

    @Test("bytes that differ, were not written, or end before they do are found")
    func bytes() {
        let wire = Wiretap().open()
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 100) == nil)
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 100) { $0[60] ^= 1 } == .bytesDiffer)
        wire.may[0].written = 50
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 51) == .bytesUnwritten)
        #expect(wire.send(0, [.fin, .ack], at: 51, ack: 1) == .bytesUnwritten)
        wire.may[0].isShut = true
        #expect(wire.send(0, [.fin, .ack], at: 50, ack: 1) == .bytesUnwritten)
        #expect(wire.send(0, [.fin, .ack], at: 51, ack: 1) == nil)
    }

    @Test("bytes beyond what was offered are found, a probe is not")
    func offered() {
        let wire = Wiretap().open()
        wire.send(1, .ack, at: 1, ack: 1, window: 1000)
        #expect(wire.send(0, .ack, at: 3801, ack: 1, bytes: 200) == nil)
        #expect(wire.send(0, .ack, at: 3801, ack: 1, bytes: 201) == .beyondWindow)
        #expect(wire.send(0, .ack, at: 4001, ack: 1, bytes: 1) == nil)
        #expect(wire.send(0, .ack, at: 4001, ack: 1, bytes: 2) == .beyondWindow)
    }

    @Test("segments beyond the peer's MSS or the own MTU are found")
    func sizes() {
        let wire = Wiretap()
        wire.syn = [2, 4, 0, 200, 1, 3, 3, 2]
        _ = wire.open()
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 200) == nil)
        #expect(wire.send(0, .ack, at: 201, ack: 1, bytes: 201) == .segmentTooLong)
        wire.may[0].mtu = 200
        #expect(wire.send(0, .ack, at: 201, ack: 1, bytes: 161) == .segmentTooLong)
    }

    @Test("more ACKs than segments are found")
    func counts() {
        let wire = Wiretap().open()
        wire.send(0, .ack, at: 1, ack: 1, bytes: 10)
        var answers = 0
        while wire.send(1, .ack, at: 1, ack: 11, isLost: true) == nil { answers += 1 }
        #expect(answers == wire.oracle.ends[1].segmentsHeard + 1)
    }

    @Test("a burst beyond the initial window, before anything is acknowledged, is found")
    func burst() {
        let wire = Wiretap().open()
        wire.send(1, .ack, at: 1, ack: 1, window: 16000)
        wire.may[0].initialWindow = 2
        wire.oracle.ends[0].duplicates = 0
        var sent = 0
        while sent < 20, wire.send(0, .ack, at: 1 + 1460 * sent, ack: 1, bytes: 1460) == nil { sent += 1 }
        #expect(sent == 5)
    }

    @Test("a segment that comes again before the least timeout, or no later than the time before, is found")
    func repetitions() {
        let wire = Wiretap().open()
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 100, isLost: true) == nil)
        wire.now = wire.now + .milliseconds(170)
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 100, isLost: true) == .repeatsTooSoon)
        wire.now = wire.now + .milliseconds(30)
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 100, isLost: true) == nil)
        wire.now = wire.now + .milliseconds(370)
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 100, isLost: true) == .repeatsTooSoon)
        wire.send(1, .ack, at: 1, ack: 1)
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 100, isLost: true) == nil)
    }

    @Test("timestamps that were not agreed on, go back, or echo what was never heard are found")
    func timestamps() {
        let wire = Wiretap()
        wire.timestamps = true
        _ = wire.open()
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 1, echo: 101) == .timestampWrong)
        wire.clock = 99
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 1, echo: 100) == .timestampWrong)
        wire.clock = 200
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 1, echo: 100) == nil)
        wire.timestamps = false
        #expect(wire.send(0, .ack, at: 1, ack: 1, bytes: 1) == .optionNotAgreed)
    }

    @Test("wrong checksums and shapes are found")
    func shapes() {
        let wire = Wiretap().open()
        let space = Wiretap()
        let good = space.frame(0, .ack, at: 1, ack: 1, bytes: 7)
        #expect(Sighting.checksumsAreGood(good))
        #expect(wire.send(0, .ack, at: 1, ack: 1) { $0[24] ^= 1 } == .checksum)
        #expect(wire.send(0, [.ack, .urg], at: 1, ack: 1) == .malformed)
        #expect(wire.send(0, [], at: 1) == .malformed)
        #expect(wire.send(0, .ack, at: 1, ack: 1, options: [2, 4, 5, 0xB4]) == .malformed)
        #expect(wire.send(0, [.syn, .ack], at: 0, ack: 1, bytes: 0) == nil)
    }
}
