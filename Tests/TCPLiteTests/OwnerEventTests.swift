import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import TCPLite
import Testing
import Timeline

/// What owners are told of: slots that run out, flows that stand, packets that go astray.
@Suite struct OwnerEventTests {
    static func events(_ script: Script, owner: Int = 0) -> [OwnerEvent] {
        var events: [OwnerEvent] = []
        while let event = script.host.stack.nextOwnerEvent(owner: owner) { events.append(event) }
        return events
    }

    @Test(
        "a steady leak is foretold a second and more before the slots are used up (G.17)",
        arguments: [20, 50, 200, 500] as [UInt64], [1, 4])
    func forecast(gap: UInt64, flows: Int) throws {
        let script = try OwnerBudgetTests.stack(slots: 120, guarantee: 120 / flows) { $0.warningTime = .seconds(2) }
        var ids: [ConnectionID] = []
        for n in 0..<flows { ids.append(try OwnerBudgetTests.open(script, port: 80, from: 5000 + UInt16(n))) }
        var warned: (at: Instant, lasting: Interval?)?
        var exhausted: Instant?
        for round in 0..<400 where exhausted == nil {
            let id = ids[round % flows]
            try OwnerBudgetTests.select(script, id)
            let window = try script.info(id).rcvAdv.distance(from: script.info(id).rcvNxt)
            script.data(pattern(max(min(700, window), 1)))
            _ = script.wait(.milliseconds(gap))
            for event in OwnerEventTests.events(script) {
                switch event {
                case .low(_, let lasting):
                    #expect(warned == nil && exhausted == nil)
                    warned = (script.now, lasting)
                case .exhausted(let slots):
                    exhausted = script.now
                    #expect(slots <= 120 && slots >= 100)
                default: Issue.record("\(event)")
                }
            }
        }
        let warning = try #require(warned)
        let end = try #require(exhausted)
        let ahead = end - warning.at
        #expect(ahead >= .seconds(1) && ahead <= .seconds(3), "every \(gap) ms")
        #expect(warning.lasting ?? .zero >= .seconds(1) && warning.lasting ?? .zero <= .seconds(2))
    }

    @Test("slots that come and go are no leak, and few slots are told without a forecast (G.17)")
    func lowWater() throws {
        let script = try OwnerBudgetTests.stack(slots: 120, guarantee: 120) {
            $0.warningTime = .seconds(2)
            $0.lowWater = 20
        }
        try OwnerBudgetTests.open(script, port: 80, from: 5000)
        for round in 0..<200 {
            for _ in 0..<20 { script.data(pattern(700)) }
            _ = script.wait(.milliseconds(20))
            script.host.giveBack()
            _ = script.wait(.milliseconds(round % 2 == 0 ? 20 : 80))
        }
        #expect(OwnerEventTests.events(script).isEmpty)
        for _ in 0..<84 { script.data(pattern(700)) }
        script.host.giveBack()
        for _ in 0..<86 { script.data(pattern(700)) }
        _ = script.wait(.milliseconds(20))
        let events = OwnerEventTests.events(script)
        #expect(events.count == 1)
        if case .low(let left, _) = events.first { #expect(left == 19) } else { Issue.record("\(events)") }
    }

    @Test("exhaustion is told once, and again when it was armed again (U.12)")
    func exhaustion() throws {
        let script = try OwnerBudgetTests.stack(slots: 8, guarantee: 0)
        let id = try OwnerBudgetTests.open(script, port: 81, from: 6000)
        func fill() throws {
            for _ in 0..<20 {
                script.send(.ack, payload: [1])
                try OwnerBudgetTests.select(script, id)
            }
        }
        try fill()
        #expect(OwnerEventTests.events(script) == [.exhausted(slots: 8)])
        script.host.giveBack()
        try fill()
        #expect(OwnerEventTests.events(script) == [])
        script.host.giveBack()
        script.host.stack.rearm(owner: 0, .exhausted)
        #expect(OwnerEventTests.events(script) == [])
        try fill()
        #expect(OwnerEventTests.events(script) == [.exhausted(slots: 8)])
        #expect(script.host.stack.info(owner: 0)?.refusals ?? 0 > 30)
        script.host.stack.rearm(owner: 7)
        #expect(OwnerEventTests.events(script, owner: 7) == [])
    }

    @Test("a flow whose application stands still is named, once each time (C.06)")
    func stalls() throws {
        let script = try OwnerBudgetTests.stack(slots: 100, guarantee: 20) { $0.stallAfter = .seconds(2) }
        let busy = try OwnerBudgetTests.open(script, port: 80, from: 5000)
        let idle = try OwnerBudgetTests.open(script, port: 80, from: 5001)
        let frozen = try OwnerBudgetTests.open(script, port: 80, from: 5002)
        script.host.stack.setPull(frozen, true)
        script.data(pattern(100))
        for round in 0..<30 {
            try OwnerBudgetTests.select(script, busy)
            script.data(pattern(100))
            if round % 8 == 0 { script.host.giveBack() }
            _ = script.wait(.milliseconds(100))
            let expected: [OwnerEvent] =
                round == 20 ? [.stalled(frozen, since: .seconds(2))] : []
            let events = OwnerEventTests.events(script)
            if case .stalled(let id, let since) = events.first {
                #expect(id == frozen && since >= .seconds(2) && since < .milliseconds(2200) && events.count == 1)
                #expect(round >= 19 && round <= 21, "\(round)")
            } else {
                #expect(events == [] && expected.count < 2)
            }
        }
        // It takes something, and stands again.
        script.host.stack.demand(frozen, bytes: 10)
        script.host.drain(owner: 0)
        _ = script.wait(.milliseconds(1900))
        #expect(OwnerEventTests.events(script) == [])
        _ = script.wait(.milliseconds(300))
        let again = OwnerEventTests.events(script)
        #expect(again.count == 2 && again.allSatisfy { if case .stalled = $0 { true } else { false } })
        #expect(!again.contains { if case .stalled(let id, _) = $0 { id == idle } else { false } })
        // One that goes is not told of.
        script.host.stack.demand(frozen, bytes: 10)
        script.host.drain(owner: 0)
        _ = script.wait(.milliseconds(2300))
        script.host.stack.abort(frozen, pools: &script.host.pools)
        script.host.giveBack()
        _ = script.wait(.milliseconds(100))
        #expect(OwnerEventTests.events(script) == [])
    }

    @Test("one burst before a silence is enough: the stack asks to be woken until it is accounted for (C.06)")
    func silence() throws {
        let script = try OwnerBudgetTests.stack(slots: 100, guarantee: 20) { $0.stallAfter = .seconds(2) }
        let id = try OwnerBudgetTests.open(script, port: 80, from: 5000)
        _ = script.wait(.seconds(1))
        #expect(script.host.stack.nextDeadline > script.now + .seconds(1))
        script.data(pattern(100))
        script.now = script.now + .milliseconds(1)
        script.data(pattern(100))
        _ = script.wait(.seconds(3))
        let events = OwnerEventTests.events(script)
        #expect(events.count == 1)
        if case .stalled(let stalled, let since) = events.first {
            #expect(stalled == id && since >= .seconds(2) && since < .milliseconds(3100))
        }
        script.host.giveBack()
        _ = script.wait(.seconds(1))
        #expect(script.host.stack.nextDeadline > script.now + .seconds(1))
    }

    @Test("each packet that lands elsewhere than intended is counted by its reason, exactly (G.18)")
    func misplacements() throws {
        let script = try OwnerTests.three()
        let one = try OwnerTests.open(script, owner: 1, peerPort: 5001)
        script.host.layout = .unsplit
        for _ in 0..<3 { script.data(pattern(100)) }
        script.host.layout = .splitAfter(20)
        for _ in 0..<4 { script.data(pattern(100)) }
        script.host.layout = .split
        script.data(pattern(100))
        for _ in 0..<5 { script.input(script.frame(.ack, payload: pattern(9)), .unknown) }
        script.host.arrivalPool = 1
        for _ in 0..<6 { script.input(script.frame(.ack, payload: pattern(9))) }
        script.host.arrivalPool = 2
        for n in 0..<7 {
            let bytes = script.view(script.frame(n < 5 ? .ack : .syn, options: Script.usual, payload: pattern(300)))
            if n == 5 { script.peerPort = 5099 }
            script.host.receive(bytes, boundary: 60, split: .headerOverflow, .good, now: script.now)
        }
        script.host.stack.note(.poolEmpty, owner: 1, count: 8)
        script.host.stack.note(.poolEmpty, owner: 9)
        let counters = try #require(OwnerEventTests.counters(script, owner: 1))
        #expect(counters.unsplit == 7 && counters.unverified == 5 && counters.foreignPool == 6)
        #expect(counters.headerOverflow == 7 && counters.poolEmpty == 8)
        #expect(Misplacement.allCases.map { counters[$0] } == [7, 5, 6, 7, 8])
        #expect(OwnerEventTests.counters(script, owner: 2) == MisplacementCounters())
        #expect(
            OwnerEventTests.events(script, owner: 1) == [
                .misplaced(.unsplit, total: 7), .misplaced(.unverified, total: 5), .misplaced(.foreignPool, total: 6),
                .misplaced(.headerOverflow, total: 7), .misplaced(.poolEmpty, total: 8),
            ])
        #expect(script.host.stack.available(one) == 800 && script.host.isBalanced == false)
        // Counted on, told when somebody asks again.
        script.host.stack.note(.poolEmpty, owner: 1)
        #expect(OwnerEventTests.events(script, owner: 1) == [])
        script.host.stack.rearm(owner: 1)
        #expect(OwnerEventTests.events(script, owner: 1) == [.misplaced(.poolEmpty, total: 9)])
        // A listener's owner hears of what was meant for a connection to be.
        script.hostPort = 82
        let bytes = script.view(script.frame(.syn, options: Script.usual, payload: pattern(300)))
        script.host.receive(bytes, boundary: 60, split: .headerOverflow, .good, now: script.now)
        #expect(OwnerEventTests.counters(script, owner: 2)?.headerOverflow == 1)
        #expect(script.host.stack.statistics.headerOverflows == 8)
        script.host.drain(owner: 1)
    }

    static func counters(_ script: Script, owner: Int) -> MisplacementCounters? {
        script.host.stack.info(owner: owner)?.misplacements
    }
}
