import DeviceMemory
import HeaderSplit
import Logging
import PagePool
import Rings
import Testing
import Timeline
import VFIODriver

/// What a driver of the 82574 must make of a frame: which queue, and what the stack sees.
private struct Arrival {
    var name: String
    var frame: [UInt8]
    /// Header bytes of a split frame; `nil` for a frame that belongs into host memory, whole.
    var header: Int?
    var checksum: ChecksumVerdict

    static let all: [Arrival] = [
        Arrival(name: "TCP", frame: FrameRecipe().bytes, header: 54, checksum: .good),
        Arrival(
            name: "TCP with options", frame: FrameRecipe { $0.tcpOptions = 12 }.bytes, header: 66, checksum: .good),
        Arrival(
            name: "the longest TCP header",
            frame: FrameRecipe { recipe in
                recipe.tcpOptions = 40
                recipe.ipOptions = 40
                recipe.tag = 5
            }.bytes, header: 138, checksum: .good),
        Arrival(name: "TCP, tagged", frame: FrameRecipe { $0.tag = 5 }.bytes, header: 58, checksum: .good),
        Arrival(name: "a full segment", frame: FrameRecipe { $0.payload = 1460 }.bytes, header: 54, checksum: .good),
        Arrival(name: "a pure ACK", frame: FrameRecipe { $0.payload = 0 }.bytes, header: 54, checksum: .good),
        Arrival(
            name: "a bad TCP checksum", frame: FrameRecipe { $0.badTransportChecksum = true }.bytes, header: 54,
            checksum: .bad),
        Arrival(
            name: "a bad IPv4 checksum", frame: FrameRecipe { $0.badHeaderChecksum = true }.bytes, header: 54,
            checksum: .bad),
        Arrival(name: "UDP", frame: FrameRecipe { $0.transport = .udp }.bytes, header: nil, checksum: .good),
        Arrival(
            name: "ICMP",
            frame: FrameRecipe { recipe in
                recipe.transport = .other(1)
                recipe.payload = 300
            }.bytes, header: nil, checksum: .unknown),
        Arrival(
            name: "the first fragment of TCP", frame: FrameRecipe { $0.fragment = 0x2000 }.bytes, header: nil,
            checksum: .unknown),
        Arrival(
            name: "ARP",
            frame: FrameRecipe { recipe in
                recipe.network = .other(0x0806)
                recipe.payload = 46
            }.bytes, header: nil, checksum: .unknown),
        Arrival(
            name: "1514 bytes of an unknown type",
            frame: FrameRecipe { recipe in
                recipe.network = .other(0x88B5)
                recipe.payload = 1500
            }.bytes, header: nil, checksum: .unknown),
        Arrival(
            name: "TCP over IPv6", frame: FrameRecipe { $0.network = .ipv6 }.bytes, header: nil, checksum: .good),
    ]
}

/// The real driver of the 82574 on whoever plays the device: brings it up, receives, sends, stops.
@Suite(.serialized) struct I82574DriverTests {
    @Test(
        "driver and QEMU's e1000e agree on every kind of frame, on rings that wrap, and on the end",
        .enabled(if: QEMUBed.isThere))
    func qemu() throws { try drive(QEMUBed(.e1000e, slotSize: 2048, slots: 128)) }

    private func drive<Bed: ControllerBed>(_ bed: Bed) throws {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var configuration = NICConfiguration()
        configuration.splitQueues = 1
        configuration.receiveDescriptors = 32
        configuration.transmitDescriptors = 32
        let device = bed.device
        var driver = try I82574Driver(device: device, configuration: configuration, slotSize: 2048)
        try driver.bringUp(wait: bed.wait)
        let facts = (driver.isLinkUp, driver.linkSpeed, driver.macAddress)
        #expect(facts == (true, 1000, [0x52, 0x54, 0x00, 0x12, 0x34, 0x56]))

        var memory = try device.hostMemory(name: "rings", size: driver.hostBytes, node: nil, log: log)
        var pageMemory = try device.hostMemory(name: "pages", size: 64 * driver.hostSlotBytes, node: nil, log: log)
        let base = try bed.withRegion { try device.mapRegion($0) }
        let consumer = try bed.withRegion { try $0.object.view(rights: .read) }
        var slots = PagePool(
            identifier: 1, provider: MemoryProvider(deviceRegionAt: base, slotSize: 2048, slotCount: 128))
        let pages = try pageMemory.allocate(bytes: 64 * driver.hostSlotBytes)
        var host = PagePool(
            identifier: 2, provider: MemoryProvider(hostPages: pages, slotSize: driver.hostSlotBytes))
        var plain = try driver.makeReceiveQueue(
            0, memory: &memory, pool: &host, flushWindow: bed.flushWindow, visibility: .coherent, wait: bed.wait)
        var split = try driver.makeReceiveQueue(
            1, memory: &memory, pool: &slots, flushWindow: bed.flushWindow, visibility: .flushRead, wait: bed.wait)
        var transmit = try driver.makeTransmitQueue(memory: &memory, wait: bed.wait)

        // More than each ring holds, and one at a time: the device's clock is its own.
        for round in 0..<8 {
            for arrival in Arrival.all {
                bed.deliver(arrival.frame)
                var whole: ([UInt8], ChecksumVerdict)?
                var parts: ([UInt8], ChecksumVerdict, offset: Int, length: Int)?
                let came = bed.work(rounds: 200_000) {
                    if let frame = plain.nextFrame(&host) { whole = (frame.header.array(), frame.checksum) }
                    if var frame = split.nextFrame(&slots) {
                        parts = (frame.header.array(), frame.checksum, 0, 0)
                        if let fragment = frame.fragment.take() {
                            parts?.offset = Int(fragment.netmem.index) * 2048
                            parts?.length = Int(fragment.length)
                            slots.recycle(fragment)
                        }
                    }
                    return whole != nil || parts != nil
                }
                plain.endBurst()
                split.endBurst()
                let padded = arrival.frame + [UInt8](repeating: 0, count: max(0, 60 - arrival.frame.count))
                guard came else {
                    Issue.record("\(arrival.name), round \(round): nothing came")
                    return
                }
                if let header = arrival.header {
                    let (bytes, checksum, offset, length) = try #require(parts, "\(arrival.name)")
                    #expect(bytes == Array(padded[..<header]) && checksum == arrival.checksum, "\(arrival.name)")
                    // The padding of a short frame may be dropped, or delivered as if it were payload.
                    let payload = consumer.bytes.readOnly.slice(offset, length).array()
                    #expect(
                        payload == Array(padded[header...]) || payload == Array(arrival.frame[header...]),
                        "\(arrival.name)")
                } else {
                    let (bytes, checksum) = try #require(whole, "\(arrival.name)")
                    #expect(bytes == padded && checksum == arrival.checksum, "\(arrival.name)")
                }
            }
        }
        let ledgers = (slots.ledger(), host.ledger())
        #expect(ledgers.0.ring == 32 && ledgers.0.stack == 0 && ledgers.1.ring == 32)

        for round in 0..<100 {
            let recipe = FrameRecipe {
                $0.payload = 400 + round
                $0.tcpOptions = round % 2 * 12
                $0.ipOptions = round % 3 * 4
            }
            let transport = 14 + 20 + recipe.ipOptions
            var frame = recipe.bytes
            if round % 5 != 0 {
                // The seed: the pseudo header's sum, length included, not complemented.
                let length = frame.count - transport
                frame.set16(transport + 16, plainSum(frame[26..<34], 6 + length))
            }
            let offload =
                round % 5 == 0
                ? nil
                : TransmitOffload(
                    tcpChecksum: true, linkLength: 14, networkLength: UInt8(20 + recipe.ipOptions),
                    transportLength: UInt8(20 + recipe.tcpOptions))
            let queued = withView(frame) { transmit.send($0, offload) }
            #expect(queued)
            transmit.flush()
            var sent: [UInt8]?
            let left = bed.work(rounds: 200_000) {
                sent = sent ?? bed.nextTransmitted()
                transmit.reclaim()
                return sent != nil && transmit.inFlight == 0
            }
            #expect(left && sent == recipe.bytes, "round \(round)")
        }
        let statistics = driver.statistics()
        #expect(statistics.framesReceived == UInt64(8 * Arrival.all.count) && statistics.framesSent == 100)

        driver.shutDown(wait: bed.wait)
        bed.deliver(FrameRecipe().bytes)
        let isQuiet = !bed.work(rounds: 2000) { split.nextFrame(&slots) != nil }
        #expect(isQuiet)
        plain.stop(&host)
        split.stop(&slots)
        let final = (slots.ledger(), host.ledger())
        #expect(final.0.pool == 128 && final.1.pool == 64)
        extendLifetime(pageMemory)
        extendLifetime(memory)
    }
}
