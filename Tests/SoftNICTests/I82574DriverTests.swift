import DeviceMemory
import HeaderSplit
import Rings
import SoftNIC
import Testing
import VFIODriver

extension Arrival {
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
            name: "TCP over IPv6", frame: FrameRecipe { $0.network = .ipv6 }.bytes, header: 74, checksum: .good),
    ]
}

/// The real driver of the 82574 on whoever plays the device: brings it up, receives, sends, stops.
@Suite(.serialized) struct I82574DriverTests {
    @Test(
        "driver and QEMU's e1000e agree on every kind of frame, on rings that wrap, and on the end",
        .enabled(if: QEMUBed.isThere))
    func qemu() throws { try drive(QEMUBed(.e1000e, slotSize: 2048, slots: 128)) }

    @Test("driver and model agree, and the strict model has nothing to complain of", arguments: SoftNICPreset.allCases)
    func model(_ preset: SoftNICPreset) throws { try drive(Behaviour(preset), seed: 1) }

    @Test(
        "driver and model agree whatever the mixture of documented and observed behaviour",
        arguments: 0..<16 as Range<UInt64>)
    func random(_ seed: UInt64) throws { try drive(Behaviour.random(seed: seed), seed: seed) }

    private func drive(_ behaviour: Behaviour, seed: UInt64) throws {
        var configuration = SoftNICConfiguration(model: .i82574, preset: .strict, seed: seed)
        configuration.behaviour = behaviour
        let bed = try SoftBed(configuration, slotSize: 2048, slots: 128)
        try drive(bed)
        #expect(bed.nic.flags.total == 0, "\(bed.nic.flags)")
        #expect(bed.nic.iommuFaultCount == 0)
    }

    private func drive<Bed: ControllerBed>(_ bed: Bed) throws {
        let run = try ControllerRun(I82574Driver<Bed.Device>.self, bed, slotSize: 2048, slots: 128)
        let facts = (run.driver.isLinkUp, run.driver.linkSpeed, run.driver.macAddress)
        #expect(facts == (true, 1000, [0x52, 0x54, 0x00, 0x12, 0x34, 0x56]))
        // More than each ring holds, and one at a time: the device's clock is its own.
        for _ in 0..<8 {
            for arrival in Arrival.all { try run.receive(arrival) }
        }
        run.expectBooksInOrder()
        for round in 0..<100 {
            let recipe = FrameRecipe {
                $0.payload = 400 + round
                $0.tcpOptions = round % 2 * 12
                $0.ipOptions = round % 3 * 4
            }
            if round % 5 == 0 {
                try run.send(recipe.bytes, nil, expecting: recipe.bytes)
                continue
            }
            // The seed: the pseudo header's sum, length included, not complemented.
            let transport = 14 + 20 + recipe.ipOptions
            var frame = recipe.bytes
            frame.set16(transport + 16, plainSum(frame[26..<34], 6 + frame.count - transport))
            let offload = TransmitOffload(
                tcpChecksum: true, linkLength: 14, networkLength: UInt8(20 + recipe.ipOptions),
                transportLength: UInt8(20 + recipe.tcpOptions))
            try run.send(frame, offload, expecting: recipe.bytes)
        }
        let statistics = run.driver.statistics()
        #expect(statistics.framesReceived == UInt64(8 * Arrival.all.count) && statistics.framesSent == 100)
        run.stop()
    }

    @Test("frames of MTU 9000 fit one slot on QEMU's e1000e, split or whole", .enabled(if: QEMUBed.isThere))
    func longFrames() throws {
        let bed = try QEMUBed(.e1000e, slotSize: 16384, slots: 64)
        let run = try ControllerRun(I82574Driver<QTestDevice>.self, bed, slotSize: 16384, slots: 64) { $0.mtu = 9000 }
        for payload in [1461, 4000, 8960] {
            let split = FrameRecipe { $0.payload = payload }
            try run.receive(Arrival(name: "TCP \(payload)", frame: split.bytes, header: 54, checksum: .good))
            let whole = FrameRecipe { recipe in
                recipe.network = .other(0x88B5)
                recipe.payload = payload
            }
            try run.receive(Arrival(name: "raw \(payload)", frame: whole.bytes, header: nil, checksum: .unknown))
        }
        run.stop()
    }

    @Test(
        "a frame for either queue fires vector 0 once an arming, and what came before it fires nothing (QEMU)",
        .enabled(if: QEMUBed.isThere))
    func interrupts() throws {
        let bed = try QEMUBed(.e1000e, slotSize: 2048, slots: 128)
        try bed.device.enableInterrupts(vectors: 1)
        let run = try ControllerRun(I82574Driver<QTestDevice>.self, bed, slotSize: 2048, slots: 128)
        run.driver.routeInterrupts()
        func isQuiet() -> Bool { !bed.work(rounds: 2000) { bed.device.takeInterrupts() != 0 } }
        for arrival in [Arrival.all[0], Arrival.all[11]] {
            try run.receive(arrival)
            #expect(isQuiet(), "\(arrival.name): masked")
            run.driver.armInterrupts()
            #expect(isQuiet(), "\(arrival.name): told of what was there before")
            try run.receive(arrival)
            var fired: UInt64 = 0
            let told = bed.work(rounds: 200_000) {
                fired |= bed.device.takeInterrupts()
                return fired != 0
            }
            #expect(told && fired == 1, "\(arrival.name)")
            // QEMU 10.0 repeats the message when the vector's throttle expires, for nothing.
            _ = isQuiet()
            try run.receive(arrival)
            #expect(isQuiet(), "\(arrival.name): masked by itself")
            run.driver.maskInterrupts()
        }
        run.stop()
    }
}
