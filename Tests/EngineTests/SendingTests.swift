import ClientKit
import DeviceMemory
import HeaderSplit
import Logging
import Packets
import PagePool
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// The other station: takes everything that it is sent, and sends what it is given.
private final class FarStation {
    var stack: TCPStack
    var received: [UInt8] = []
    var toSend: [UInt8] = []
    var sent = 0
    var connection: ConnectionID?
    var isEnded = false
    /// One frame in so many is lost, each way; 0 is none.
    var losesOneIn: UInt64 = 0
    /// Whether it takes what arrives, and says so.
    var isSilent = false
    private var random = SeededGenerator(seed: 3)
    private var pools = PoolTable(
        PagePool(identifier: 2, provider: MemoryProvider(deviceRegionAt: IOVA(0x1000), slotSize: 2048, slotCount: 64)))
    private var kept: HeapBytes

    init(mtu: Int) {
        var configuration = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 2), address: IPv4Address(10, 0, 0, 2), prefixLength: 24, mtu: mtu))
        configuration.slotBudget = 0
        configuration.slotsPerFlow = 0
        configuration.linearBlocks = 4096
        configuration.linearBytesPerFlow = 256 << 10
        stack = TCPStack(configuration: configuration, secret: (3, 4))
        kept = HeapBytes(count: 16384)
    }

    func poll(_ nic: SoftNIC, now: Instant) {
        while let frame = nic.nextTransmitted() {
            let isLost = isSilent || (losesOneIn != 0 && random.next() % losesOneIn == 0)
            if !isLost {
                stack.receive(
                    ReceivedFrame(header: frame, fragment: nil, split: .unsplit, checksum: .unknown), now: now,
                    pools: &pools)
            }
            nic.popTransmitted()
        }
        while let delivery = stack.nextDelivery() {
            switch delivery.kind {
            case .opened: connection = delivery.connection
            case .endOfStream: isEnded = true
            default: break
            }
            if let linear = delivery.linear {
                for i in 0..<linear.count { received.append(linear[i]) }
                stack.credit(delivery.connection, slots: 0, linearBytes: linear.count)
            }
        }
        if let connection, sent < toSend.count {
            let count = min(kept.bytes.count, toSend.count - sent)
            for i in 0..<count { kept.bytes[i] = toSend[sent + i] }
            sent += stack.send(connection, kept.bytes.slice(0, count).readOnly)
            if sent == toSend.count { stack.shutdown(connection) }
        }
        stack.poll(now: now, pools: &pools)
        while !stack.output.isEmpty {
            let isLost = isSilent || (losesOneIn != 0 && random.next() % losesOneIn == 0)
            guard isLost || nic.receive(stack.output.front) else { break }
            stack.output.popFront()
        }
    }
}

/// An engine that sends from a region, over a modelled device of any family, in virtual time.
private final class SendingRig<Driver: NICDriver & ~Copyable> where Driver.Device == CountedDevice {
    let nic: SoftNIC
    let device: CountedDevice
    var engine: Engine<Driver>
    let far: FarStation
    let application = Application()
    var completed: [FragmentRecord] { application.sends }

    init(
        _ model: SoftNICModel, mtu: Int = 1500, offload: Bool = true, echo: Bool = false, descriptors: Int = 64,
        _ change: (inout SoftNICConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = SoftNICConfiguration(model: model, preset: .strict, macAddress: [2, 0, 0, 0, 0, 1])
        change(&configuration)
        let nic = SoftNIC(configuration: configuration)
        self.nic = nic
        device = CountedDevice(nic)
        far = FarStation(mtu: mtu)
        var stack = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24, mtu: mtu))
        stack.slotBudget = 400
        stack.slotsPerFlow = 200
        stack.maxConnections = 16
        stack.placedSends = 256
        stack.transmitChecksumOffload = offload
        stack.segmentationOffload = offload
        stack.giveUp = .seconds(5)
        stack.msl = .milliseconds(10)
        var whole = EngineConfiguration(stack: stack)
        whole.device.mtu = mtu
        whole.applications = 2
        whole.device.splitQueues = 1
        whole.device.receiveDescriptors = 64
        whole.device.transmitDescriptors = descriptors
        engine = try Engine<Driver>(
            device: device, configuration: whole, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ = nic.step(now: nic.now + $0) }
        if echo {
            try engine.echo()
            try engine.stack.listen(port: 7)
        } else {
            try engine.openPort(0, application.channel, PortConfiguration(tokenLimit: 4096), flows: nil)
            try far.stack.listen(port: 80)
        }
    }

    deinit { engine.shutDown { [nic] in _ = nic.step(now: nic.now + $0) } }

    func turn(_ interval: Interval = .microseconds(20)) {
        let now = nic.now + interval
        far.poll(nic, now: now)
        _ = nic.step(now: now)
        _ = engine.poll(now: now)
        application.take()
    }

    @discardableResult
    func run(_ limit: Int = 200_000, until done: () -> Bool) -> Bool {
        for _ in 0..<limit {
            if done() { return true }
            turn()
        }
        return done()
    }

    func wait(_ interval: Interval) { _ = nic.step(now: nic.now + interval) }
}

/// A region with known bytes, as its owner sees it.
private final class Source {
    let region: DeviceRegion
    let view: MappedView
    let bytes: [UInt8]

    init(_ count: Int, seed: UInt64 = 5) throws {
        region = try DeviceRegion(size: count, slotSize: 4096, visibility: .coherent)
        view = try region.object.view(length: region.slotBytes, rights: .readWrite)
        var random = SeededGenerator(seed: seed)
        var all: [UInt8] = []
        for i in 0..<region.slotBytes {
            let byte = UInt8(truncatingIfNeeded: random.next())
            all.append(byte)
            view.bytes[i] = byte
        }
        bytes = all
    }
}

@Suite struct SendingTests {
    /// Sends a region's bytes in ranges out of order, over a device of some family that loses frames; what went wrong.
    private func sends<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type, _ model: SoftNICModel, mtu: Int
    ) throws -> [String] where Driver.Device == CountedDevice {
        let rig = try SendingRig<Driver>(model, mtu: mtu)
        let source = try Source(256 << 10)
        let binding = try rig.engine.bindForSending(
            source.region, flushWindow: rig.device.flushWindow, now: rig.nic.now)
        let id = try rig.engine.stack.connect(
            to: IPv4Address(10, 0, 0, 2), port: 80, localPort: nil, now: rig.nic.now)
        rig.far.losesOneIn = 50
        var expected: [UInt8] = []
        var random = SeededGenerator(seed: 9)
        var sends: UInt32 = 0
        let finished = rig.run {
            while expected.count < 200_000 {
                let ranges = (0...Int(random.below(3))).map { _ in
                    SendRange(offset: UInt64(random.below(190_000)), length: 1 + Int(random.below(30_000)))
                }
                guard let number = try? rig.engine.send(id, from: binding, ranges), number == sends else { break }
                sends += 1
                for range in ranges { expected += source.bytes[Int(range.offset)..<Int(range.offset) + range.length] }
            }
            if expected.count >= 200_000 && rig.engine.stack.acceptsData(id) { rig.engine.stack.shutdown(id) }
            return rig.far.isEnded
        }
        rig.run(2000) { rig.completed.last.map { $0.offset + UInt64($0.length) == UInt64(sends) } == true }
        let report = rig.engine.report()
        var wrong: [String] = []
        if !finished { wrong.append("not finished: \(rig.far.received.count) of \(expected.count)") }
        if rig.far.received != expected { wrong.append("other bytes arrived") }
        if report.stack.framesToCut == 0 || report.transmit.parts == 0 { wrong.append("nothing was cut") }
        if report.stack.fastRecoveries + report.stack.timeouts == 0 { wrong.append("nothing was lost") }
        if rig.completed.contains(where: { !$0.isAcknowledged }) { wrong.append("not acknowledged") }
        if rig.completed.reduce(0, { $0 + $1.length }) != sends {
            wrong.append("completions: \(rig.completed)")
        }
        if report.ledger.transmit != 0 { wrong.append("\(report.ledger)") }
        wrong += rig.engine.audit()
        rig.engine.unbind(binding, now: rig.nic.now) { rig.wait($0) }
        if rig.device.mappings.unmapped != 1 { wrong.append("still mapped") }
        return wrong
    }

    @Test(
        "ranges of a region arrive byte for byte over a lossy wire, cut by the device, on every family (U.25, U.26, U.28, S1.06)",
        arguments: [1500, 4000])
    func families(mtu: Int) throws {
        #expect(try sends(I82576Driver<CountedDevice>.self, .i82576, mtu: mtu) == [])
        #expect(try sends(I82574Driver<CountedDevice>.self, .i82574, mtu: mtu) == [])
        #expect(try sends(I82599Driver<CountedDevice>.self, .i82599, mtu: mtu) == [])
    }

    @Test("frames of as many parts as there may be leave through the shortest ring, of 8 descriptors (U.26)")
    func shortestRing() throws {
        let rig = try SendingRig<I82576Driver<CountedDevice>>(.i82576, descriptors: 8)
        let source = try Source(256 << 10)
        let binding = try rig.engine.bindForSending(
            source.region, flushWindow: rig.device.flushWindow, now: rig.nic.now)
        let id = try rig.engine.stack.connect(
            to: IPv4Address(10, 0, 0, 2), port: 80, localPort: nil, now: rig.nic.now)
        rig.run { rig.far.connection != nil }
        // Runs of 40 bytes, none beside another: what a segment has room for is more than a frame may have.
        let ranges = (0..<120).map { SendRange(offset: UInt64($0 * 1000), length: 40) }
        _ = try rig.engine.send(id, from: binding, ranges)
        rig.run(20_000) { !rig.completed.isEmpty }
        let expected = ranges.flatMap { source.bytes[Int($0.offset)..<Int($0.offset) + 40] }
        #expect(rig.far.received == expected && rig.completed.map(\.isAcknowledged) == [true])
        let transmit = rig.engine.report().transmit
        #expect(transmit.parts >= 120 && transmit.parts <= 150, "\(transmit)")
        #expect(rig.engine.audit() == [])
    }

    @Test(
        "what is not acknowledged keeps an unbound region mapped; when the peer stays silent, patience ends it (U.29)")
    func inFlight() throws {
        let rig = try SendingRig<I82576Driver<CountedDevice>>(.i82576)
        let source = try Source(64 << 10)
        let binding = try rig.engine.bindForSending(
            source.region, flushWindow: rig.device.flushWindow, now: rig.nic.now)
        let id = try rig.engine.stack.connect(
            to: IPv4Address(10, 0, 0, 2), port: 80, localPort: nil, now: rig.nic.now)
        rig.run { rig.far.connection != nil }
        rig.far.isSilent = true
        _ = try rig.engine.send(id, from: binding, [SendRange(offset: 0, length: 20_000)])
        for _ in 0..<10 { rig.turn() }
        rig.engine.unbind(binding, now: rig.nic.now) { rig.wait($0) }
        #expect(rig.device.mappings.unmapped == 0 && rig.engine.report().ledger.transmit == 1)
        #expect(throws: TCPError.notForSending(binding)) {
            try rig.engine.send(id, from: binding, [SendRange(offset: 0, length: 1)])
        }
        for _ in 0..<1000 { rig.turn(.milliseconds(10)) }
        #expect(rig.completed.map(\.isAcknowledged) == [false])
        #expect(rig.device.mappings.unmapped == 1 && rig.engine.report().ledger.transmit == 0)
        #expect(rig.engine.report().binding.leaked == 0 && rig.engine.audit() == [])
    }

    @Test("a device that is reset in mid-send: nothing is lost, nothing is freed early, nothing leaks (U.29)")
    func reset() throws {
        let rig = try SendingRig<I82576Driver<CountedDevice>>(.i82576)
        let source = try Source(128 << 10)
        let binding = try rig.engine.bindForSending(
            source.region, flushWindow: rig.device.flushWindow, now: rig.nic.now)
        let id = try rig.engine.stack.connect(
            to: IPv4Address(10, 0, 0, 2), port: 80, localPort: nil, now: rig.nic.now)
        rig.run { rig.far.connection != nil }
        _ = try rig.engine.send(id, from: binding, [SendRange(offset: 0, length: 100_000)])
        rig.run { rig.far.received.count > 20_000 }
        rig.device.reset()
        rig.engine.reestablish(now: rig.nic.now) { rig.wait($0) }
        rig.run { rig.far.received.count >= 100_000 && !rig.completed.isEmpty }
        #expect(rig.far.received == Array(source.bytes[..<100_000]))
        #expect(rig.completed.map(\.isAcknowledged) == [true] && rig.engine.report().ledger.transmit == 0)
    }

    @Test(
        "an application sends from slots that it was lent by command, and is told of the end; the books know them (U.26, U.28)"
    )
    func lentSlots() throws {
        let rig = try SendingRig<I82576Driver<CountedDevice>>(.i82576)
        let region = try DeviceRegion(size: 256 * 4096, slotSize: 4096, visibility: .flushRead)
        let view = try RegionView(region)
        let binding = try rig.engine.bind(
            region, flushWindow: rig.device.flushWindow, BindingRequest(queues: [1]), now: rig.nic.now
        ) { rig.wait($0) }
        #expect(throws: BindingError.self) { try rig.engine.lendForSending(binding, slots: 4096) }
        try rig.engine.lendForSending(binding, slots: 32)
        rig.application.take()
        let area = try #require(rig.application.areas.first)
        #expect(area.region == binding && area.length == 32 * 4096 && rig.engine.audit() == [])
        #expect(throws: BindingError.noSuchBinding(binding)) { try rig.engine.lendForSending(binding, slots: 1) }
        let bytes = (0..<Int(area.length)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        for (i, byte) in bytes.enumerated() { view.view.bytes[Int(area.offset) + i] = byte }
        let id = try rig.engine.stack.connect(
            to: IPv4Address(10, 0, 0, 2), port: 80, localPort: nil, now: rig.nic.now)
        rig.run { rig.far.connection != nil }
        for n in 0..<4 {
            let queued = rig.application.client.send(
                region: binding, offset: area.offset + UInt64(n * 30_000), length: 30_000, on: id.rawValue)
            #expect(queued)
        }
        // Outside what it was lent, in a slot that is in a ring or free: refused, and said.
        let refused = rig.application.client.send(region: binding, offset: 0, length: 100, on: id.rawValue)
        rig.application.client.flush()
        #expect(
            refused && rig.run { rig.far.received.count == 120_000 && rig.completed.reduce(0) { $0 + $1.length } == 4 })
        #expect(rig.far.received == Array(bytes[..<120_000]))
        #expect(rig.completed.count { $0.length == 0 && $0.offset == 0 && !$0.isAcknowledged } == 1)
        #expect(rig.completed.filter { $0.length > 0 }.allSatisfy { $0.isAcknowledged })
        #expect(rig.engine.report().delivery.refusedSends == 1 && rig.engine.audit() == [])
        rig.engine.unbind(binding, now: rig.nic.now) { rig.wait($0) }
        rig.run(100) { rig.device.mappings.unmapped == 1 }
        #expect(rig.device.mappings.unmapped == 1 && rig.engine.report().binding.leaked == 0)
    }

    @Test("what cannot be bound for sending, or sent, is refused (U.27, U.30)")
    func refusals() throws {
        let rig = try SendingRig<I82576Driver<CountedDevice>>(.i82576, offload: false)
        let source = try Source(8192)
        #expect(throws: BindingError.noSuchOwner(owner: 1)) {
            try rig.engine.bindForSending(
                source.region, flushWindow: rig.device.flushWindow, owner: 1, now: rig.nic.now)
        }
        let binding = try rig.engine.bindForSending(
            source.region, flushWindow: rig.device.flushWindow, now: rig.nic.now)
        let id = try rig.engine.stack.connect(
            to: IPv4Address(10, 0, 0, 2), port: 80, localPort: nil, now: rig.nic.now)
        #expect(throws: TCPError.noChecksumOffload) {
            try rig.engine.send(id, from: binding, [SendRange(offset: 0, length: 1)])
        }
        let queued = rig.application.client.send(region: binding, offset: 7, length: 1, on: id.rawValue)
        rig.application.client.flush()
        rig.run(100) { !rig.completed.isEmpty }
        #expect(queued && rig.completed.map(\.length) == [0] && rig.completed.map(\.offset) == [7])
        #expect(rig.engine.audit() == [] && rig.engine.report().ledger.transmit == 0)
    }

    @Test(
        "an echo sends back what arrives from the slots that it arrived in, over a lossy wire, and no slot is lost (G.13)"
    )
    func echo() throws {
        let rig = try SendingRig<I82576Driver<CountedDevice>>(.i82576, echo: true)
        let region = try DeviceRegion(size: 512 * 4096, slotSize: 4096, visibility: .flushRead)
        let binding = try rig.engine.bind(
            region, flushWindow: rig.device.flushWindow, BindingRequest(queues: [1]), now: rig.nic.now
        ) {
            rig.wait($0)
        }
        try rig.engine.setSending(binding, true)
        rig.far.losesOneIn = 60
        var random = SeededGenerator(seed: 4)
        rig.far.toSend = (0..<200_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        _ = try rig.far.stack.connect(to: IPv4Address(10, 0, 0, 1), port: 7, localPort: nil, now: rig.nic.now)
        let finished = rig.run { rig.far.isEnded }
        #expect(finished && rig.far.received == rig.far.toSend)
        rig.run(2000) { rig.engine.echoed.closed == 1 }
        let echoed = rig.engine.echoed
        #expect(echoed.givenUp == 0 && echoed.relayedBytes + echoed.hostBytes == 200_000)
        #expect(echoed.relayedBytes > 170_000)
        let ledger = rig.engine.report().ledger
        #expect(ledger.transmit == 0 && ledger.stack == 0 && ledger.application == 0 && rig.engine.audit() == [])
    }
}
