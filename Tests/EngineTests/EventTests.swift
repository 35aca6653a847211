import ClientKit
import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// Events: once until they are asked for again, and none is lost because there was no room.
@Suite struct EventTests {
    @Test(
        "payload in host memory is told of once, until the event is armed again; the counter has all of it (Z.11, S4.17)"
    )
    func landedElsewhere() throws {
        let rig = try Rig()
        _ = try rig.bind([1])
        let application = rig.applications[0]
        try rig.peer.connect(0, to: 5001, limit: 5000, piece: 100, now: rig.now)
        #expect(rig.run { application.bytes == 5000 })
        rig.run(200)
        #expect(application.events.filter { $0 == .landedElsewhere }.count == 1)
        let seen = application.channel.counters[.notSplit]
        #expect(seen == rig.info(owner: 0)?.misplacements.unsplit && seen > 0)
        // Armed again, and nothing new: silence. Then one frame: once more.
        #expect(application.rearm(.landedElsewhere))
        application.client.flush()
        rig.run(200)
        #expect(application.events.filter { $0 == .landedElsewhere }.count == 1)
        rig.peer.flows[0].limit = 10_000
        #expect(rig.run { application.bytes == 10_000 })
        rig.run(200)
        #expect(application.events.filter { $0 == .landedElsewhere }.count == 2)
    }

    @Test("the counters page is exact after every look (Z.11)")
    func counters() throws {
        let rig = try Rig()
        let number = try rig.bind([1])
        let application = rig.applications[0]
        application.keeps = 10
        try rig.peer.connect(0, to: 5001, limit: 100_000, now: rig.now)
        try rig.peer.connect(1, to: 5001, limit: 1000, piece: 50, now: rig.now)
        #expect(rig.run { application.bytes == 101_000 })
        _ = application.client.giveBack(1)
        _ = application.client.giveBack(1_000_000)
        _ = application.client.ask(.send, on: 0)
        application.client.flush()
        rig.run(100)
        let counters = application.client.counters
        #expect(counters[.deviceBytes] == UInt64(application.device))
        #expect(counters[.linearBytes] == UInt64(application.linear) && counters[.movedBytes] == 0)
        #expect(counters[.tokensOut] == 10 && counters[.staleReturns] == 1 && counters[.badReturns] == 2)
        #expect(counters[.slots] == 512 && counters[.dropsWithoutSlot] == 0 && counters[.headerOverflows] == 0)
        #expect(counters[.slotsFree] == UInt64(rig.room(ofRegion: number)?.free ?? -1))
        #expect(counters[.tokensReturned] == rig.report().delivery.tokensReturned)
        #expect(counters[.records] == rig.report().delivery.records)
    }

    @Test("as many tokens as may be out: told once, delivery waits, and goes on (S4.05, U.12)")
    func tooManyTokens() throws {
        let rig = try Rig(slots: 200, perFlow: 150, port: PortConfiguration(tokenLimit: 16))
        _ = try rig.bind([1])
        let application = rig.applications[0]
        application.keeps = .max
        try rig.peer.connect(0, to: 5001, limit: 100_000, now: rig.now)
        rig.run(1000)
        #expect(application.events.filter { $0 == .tooManyTokens }.count == 1 && application.held.count <= 16)
        #expect(application.held.count >= 14 && rig.refusals(0) == 0)
        application.keeps = 0
        #expect(rig.run { application.bytes == 100_000 } && rig.isComplete())
    }

    @Test("events that find no room among the records are told when there is some (Z.11, U.21)")
    func noRoom() throws {
        let shape = ChannelShape(
            recordCapacity: 8, returnCapacity: 8, returnLanes: 1, commandCapacity: 8, linearBytes: 512, sendBytes: 64)
        let rig = try Rig(queues: 1, shape: shape)
        var number = try rig.bind([1])
        let application = rig.applications[0]
        rig.sleeping = [0]
        try rig.peer.connect(0, to: 5001, limit: 100_000, now: rig.now)
        rig.run(1000)
        // The ring is full of data; now everything happens at once.
        for _ in 0..<3 { number = try rig.rehome(number) }
        let isBack = rig.engine.reestablish(now: rig.now) { [nic = rig.nic] in _ = nic.step(now: nic.now + $0) }
        rig.unbind(number)
        #expect(isBack && rig.report().delivery.lostRecords == 0)
        rig.run(100)
        rig.sleeping = []
        #expect(rig.run(100_000) { application.bytes == 100_000 } && rig.isComplete())
        rig.run(200)
        for event in [ChannelEvent.rehomed, .deviceReset, .unbound] {
            #expect(application.events.contains(event), "\(event)")
        }
        #expect(rig.faults == [] && rig.report().delivery.lostRecords == 0)
    }
}
