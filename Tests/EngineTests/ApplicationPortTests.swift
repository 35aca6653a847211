import ClientKit
import DeviceMemory
import PagePool
import Packets
import TCPLite
import Testing

@testable import Engine

@Suite struct ApplicationPortTests {
    @Test("tokens come back singly, as ranges, out of order; each is booked once (U.08, S4.11)")
    func returns() {
        var desk = Desk()
        let tokens = (0..<20).map { _ in desk.deliver() }
        #expect(desk.pools.pools[1].ledger().application == 20)
        for token in tokens.reversed() { _ = desk.client.giveBack(token) }
        desk.client.flush()
        desk.takeReturns()
        #expect(desk.pools.pools[1].ledger().application == 0 && desk.port.statistics.tokensReturned == 20)
        let more = (0..<10).map { _ in desk.deliver() }
        for token in more { _ = desk.client.giveBack(token) }
        desk.client.flush()
        desk.takeReturns()
        #expect(desk.pools.pools[1].ledger().pool == 64 && desk.port.tokens.outstanding == 0)
    }

    @Test("stale, unknown and doubled tokens are counted and free nothing (U.12, Z.03, G.02)")
    func forged() {
        var desk = Desk()
        let held = desk.deliver()
        for token in [0, held + 1, held + 1000, UInt64.max, held, held, held] as [UInt64] {
            _ = desk.client.giveBack(token)
            desk.client.flush()
        }
        desk.takeReturns()
        #expect(desk.port.statistics.tokensReturned == 1 && desk.port.statistics.badReturns == 6)
        #expect(desk.pools.pools[1].ledger().pool == 64 && desk.pools.pools[1].statistics.violations == 0)
    }

    @Test("a count of four thousand million is no work, and does not stop what is behind it (U.09)")
    func endlessCount() {
        var desk = Desk()
        let token = desk.deliver()
        let ring = ApplicationChannel(desk.memory.bytes).returnRing(lane: 0)
        // By hand, as a hostile client would: start, count; then the tail.
        ring.setLE64(128, token)
        ring.setLE32(136, .max)
        ring.setLE64(144, token)
        ring.setLE32(152, 1)
        ring.setLE32(0, 2)
        desk.takeReturns()
        // The first was out; all others of the range never were, and the last came back before.
        #expect(desk.port.statistics.badReturns == 4_294_967_295 && desk.port.statistics.tokensReturned == 1)
        #expect(desk.pools.pools[1].ledger().pool == 64)
    }

    @Test("a range longer than one call's work goes on in the next (bounded work)")
    func bounded() {
        var desk = Desk()
        for _ in 0..<50 { _ = desk.client.giveBack(desk.deliver()) }
        desk.client.flush()
        desk.takeReturns(limit: 20)
        #expect(desk.port.statistics.tokensReturned == 20)
        desk.takeReturns(limit: 20)
        desk.takeReturns(limit: 20)
        #expect(desk.port.statistics.tokensReturned == 50 && desk.pools.pools[1].ledger().pool == 64)
    }

    @Test("commands for connections that do not exist, of no kind, and with impossible lengths are survived (U.10)")
    func commands() {
        var desk = Desk()
        let ring = ApplicationChannel(desk.memory.bytes).commandRing
        for (i, (kind, length)) in [(1, UInt32.max), (1, 10), (2, 0), (3, 0), (99, 0), (0, 0)].enumerated()
            as EnumeratedSequence<[(UInt32, UInt32)]>
        {
            ring.setLE32(128 + i * 24, kind)
            ring.setLE32(128 + i * 24 + 4, 0xDEAD_BEEF)
            ring.setLE32(128 + i * 24 + 8, length)
        }
        ring.setLE32(0, 6)
        _ = desk.port.takeCommands(pools: &desk.pools, stack: &desk.stack)
        #expect(desk.port.statistics.badCommands == 3)
        let quiet = desk.port.takeCommands(pools: &desk.pools, stack: &desk.stack)
        #expect(!quiet)
    }

    @Test("a consumer that claims linear bytes that were never produced is believed to have consumed all, and no more")
    func linearClaim() {
        var desk = Desk()
        for claim in [UInt64.max, 1, 0] {
            ApplicationChannel(desk.memory.bytes).linearConsumed.storeReleasing(claim)
            desk.takeReturns()
            let roomy = desk.port.hasRoom()
            #expect(roomy)
        }
        #expect(desk.port.statistics.badReturns == 0 && desk.pools.pools[1].ledger().isBalanced)
    }

    @Test("a counter beyond what was issued is wrong once, and gives back nothing that is issued later (U.12, G.12)")
    func counterAhead() {
        var desk = Desk()
        for _ in 0..<5 { _ = desk.deliver() }
        desk.client.giveBack(through: .max)
        desk.client.flush()
        for _ in 0..<10 { desk.takeReturns() }
        #expect(desk.port.statistics.tokensReturned == 5 && desk.port.tokens.unknownReturns == 1)
        for _ in 0..<3 { _ = desk.deliver() }
        for _ in 0..<10 { desk.takeReturns() }
        #expect(desk.port.tokens.outstanding == 3 && desk.port.tokens.unknownReturns == 1)
    }

    @Test("an engine that claims what was never sent, or goes back, does not trap its client")
    func sendClaim() {
        var desk = Desk()
        for claim in [UInt64.max, 1, 0] {
            ApplicationChannel(desk.memory.bytes).sendConsumed.storeReleasing(claim)
            #expect((0...ChannelShape.standard.sendBytes).contains(desk.client.sendSpace))
        }
        let bytes = HeapBytes(count: 100)
        let sent = desk.client.send(bytes.bytes.readOnly, on: 7)
        #expect(sent && desk.client.sendSpace == ChannelShape.standard.sendBytes - 100)
        extendLifetime(bytes)
    }

    @Test("a send for a connection that takes nothing is skipped, and holds nothing up")
    func deadSend() {
        var desk = Desk()
        let bytes = HeapBytes(count: 100)
        for connection in [UInt32(1), 2, 3] { _ = desk.client.send(bytes.bytes.readOnly, on: connection) }
        _ = desk.client.ask(.shutdown, on: 1)
        _ = desk.client.ask(.abort, on: 2)
        desk.client.flush()
        _ = desk.port.takeCommands(pools: &desk.pools, stack: &desk.stack)
        #expect(desk.client.sendSpace == ChannelShape.standard.sendBytes && desk.port.statistics.badCommands == 0)
        extendLifetime(bytes)
    }

    @Test("ranges of nothing are no endless work")
    func emptyRanges() {
        var desk = Desk()
        let ring = ApplicationChannel(desk.memory.bytes).returnRing(lane: 0)
        ring.setLE32(0, UInt32(ChannelShape.standard.returnCapacity))
        let token = desk.deliver()
        desk.takeReturns(limit: 100)
        #expect(desk.port.tokens.outstanding == 1 && token != 0)
    }

    @Test("a record is 32 bytes and says what it was made of (U.05, S4.03)")
    func layout() {
        #expect(MemoryLayout<FragmentRecord>.size == 32 && MemoryLayout<FragmentRecord>.stride == 32)
        #expect(MemoryLayout<TokenRange>.stride == 16 && MemoryLayout<ApplicationCommand>.stride == 24)
        let record = FragmentRecord(
            .device, connection: 7, token: 1 << 40, offset: 5 << 32, length: 9, payloadSum: 0xFFFF, region: 3)
        #expect(
            record.kind == .device && record.hasPayloadSum && record.payloadSum == 0xFFFF && record.offset == 5 << 32)
        #expect(!FragmentRecord(.linear, connection: 0).hasPayloadSum)
    }
}
