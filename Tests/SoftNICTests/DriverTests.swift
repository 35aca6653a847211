import DeviceMemory
import HeaderSplit
import Logging
import NICRegisters
import PagePool
import Rings
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// The real driver on the model: brings it up, receives and sends, and the strict model has nothing to complain of.
@Suite struct DriverTests {
    /// Everything a driver run needs, with time that passes only when somebody waits.
    private final class Clock {
        let nic: SoftNIC
        var now = Instant.zero
        init(_ nic: SoftNIC) { self.nic = nic }

        func wait(_ interval: Interval) {
            let end = now + interval
            while nic.nextDeadline <= end {
                now = max(now, nic.nextDeadline)
                if !nic.step(now: now) { break }
            }
            now = end
            _ = nic.step(now: now)
        }
    }

    private func drive(_ behaviour: Behaviour) throws {
        var settings = SoftNICConfiguration(preset: .strict)
        settings.behaviour = behaviour
        // Later than any done bit that this test waits for: only the flush makes payload visible.
        settings.payloadDelay = .between(.microseconds(20), .microseconds(40))
        let nic = SoftNIC(configuration: settings)
        let clock = Clock(nic)
        let device = SoftPCIDevice(nic)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var configuration = NICConfiguration()
        configuration.receiveDescriptors = 64
        configuration.transmitDescriptors = 64
        var driver = try I82576Driver(device: device, configuration: configuration, slotSize: 2048)
        try driver.bringUp(wait: clock.wait)
        #expect(driver.isLinkUp && driver.linkSpeed == 1000)
        #expect(driver.macAddress == [0x52, 0x54, 0x00, 0x12, 0x34, 0x56])

        var memory = try HostMemory(name: "rings", size: driver.hostBytes + (1 << 20), log: log)
        try memory.map(for: device)
        let region = try DeviceRegion(size: 256 * 2048, slotSize: 2048, visibility: .flushRead)
        let consumer = try region.object.view(rights: .read)
        let base = try device.mapRegion(region)
        var slots = PagePool(
            identifier: 1,
            provider: MemoryProvider(deviceRegionAt: base, slotSize: 2048, slotCount: region.slotCount))
        let pages = try memory.allocate(bytes: 128 * 2048)
        var host = PagePool(identifier: 2, provider: MemoryProvider(hostPages: pages, slotSize: 2048))
        var plain = try driver.makeReceiveQueue(
            0, memory: &memory, pool: &host, flushWindow: device.flushWindow,
            visibility: .coherent, wait: clock.wait)
        var first = try driver.makeReceiveQueue(
            1, memory: &memory, pool: &slots, flushWindow: device.flushWindow,
            visibility: .flushRead, wait: clock.wait)
        var second = try driver.makeReceiveQueue(
            2, memory: &memory, pool: &slots, flushWindow: device.flushWindow,
            visibility: .flushRead, wait: clock.wait)
        var transmit = try driver.makeTransmitQueue(memory: &memory, wait: clock.wait)

        var whole = 0
        var headers = 0
        for round in 0..<300 {
            let recipe = FrameRecipe {
                $0.sourcePort = 40000 + round
                $0.payload = 200 + round
                if round % 10 == 9 { $0.network = .other(0x0806) }
            }
            withView(recipe.bytes) { #expect(nic.receive($0)) }
            // A done bit may come a step later, or with a batch.
            clock.wait(.microseconds(10))
            clock.wait(.nanoseconds(100))
            while let frame = plain.nextFrame(&host) {
                #expect(frame.header.array() == recipe.bytes)
                whole += 1
            }
            plain.endBurst()
            var fragments: [(Int, Int)] = []
            func take(_ frame: consuming ReceivedFrame, _ pool: inout PagePool) {
                #expect(frame.split == .split && frame.checksum == .good)
                #expect(frame.header.array() == Array(recipe.bytes[..<54]))
                if let fragment = frame.fragment.take() {
                    fragments.append((Int(fragment.netmem.index) * 2048, Int(fragment.length)))
                    pool.recycle(fragment)
                }
                headers += 1
            }
            while let frame = first.nextFrame(&slots) { take(frame, &slots) }
            first.endBurst()
            while let frame = second.nextFrame(&slots) { take(frame, &slots) }
            second.endBurst()
            for (offset, length) in fragments {
                #expect(consumer.bytes.readOnly.slice(offset, length).array() == FrameRecipe.pattern(200 + round))
            }
            let sent = FrameRecipe { $0.payload = round }.bytes
            let queued = withView(sent) { transmit.send($0, nil) }
            #expect(queued)
            transmit.flush()
            clock.wait(.nanoseconds(100))
            clock.wait(.nanoseconds(100))
            let padded = sent + [UInt8](repeating: 0, count: max(0, 60 - sent.count))
            #expect(nic.nextTransmitted()?.array() == padded)
            nic.popTransmitted()
            transmit.reclaim()
            let inFlight = transmit.inFlight
            #expect(inFlight == 0)
        }
        #expect(whole == 30 && headers == 270)
        let statistics = driver.statistics()
        #expect(statistics.framesReceived == 300 && statistics.framesSent == 300)
        driver.shutDown(wait: clock.wait)
        plain.stop(&host)
        first.stop(&slots)
        second.stop(&slots)
        let ledger = slots.ledger()
        #expect(ledger.isBalanced && ledger.pool == 256)
        try device.unmap(base, length: region.slotBytes)
        #expect(nic.flags.total == 0, "\(nic.flags)")
        #expect(nic.iommuFaultCount == 0)
    }

    @Test func qemu() throws { try drive(Behaviour(.qemu)) }

    @Test func strict() throws { try drive(Behaviour(.strict)) }

    @Test(arguments: 0..<16 as Range<UInt64>)
    func random(_ seed: UInt64) throws { try drive(Behaviour.random(seed: seed)) }
}
