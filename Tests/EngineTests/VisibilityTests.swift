import ClientKit
import DeviceMemory
import HeaderSplit
import Logging
import Packets
import PagePool
import Rings
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// What was published before and after a read of the flush page.
private final class Witness {
    let tail: SharedWord
    var published: UInt32 = 0
    var flushes = 0
    /// Records that an application could see before the flush of the burst that they belong to.
    var early = 0

    init(_ channel: ApplicationChannel) { tail = SharedWord(channel.recordRing, at: SPSCLayout.tail) }

    func flush() {
        flushes += 1
        early += Int(tail.loadAcquiring() &- published)
    }
}

/// The NIC model, with a witness at its flush page.
private struct WitnessedDevice: PCIDevice {
    struct Window: Bus {
        let bus: SoftBus
        let witness: Witness?

        func read32(_ offset: UInt32) -> UInt32 {
            witness?.flush()
            return bus.read32(offset)
        }

        func write32(_ offset: UInt32, _ value: UInt32) { bus.write32(offset, value) }
    }

    let device: SoftPCIDevice
    let witness: Witness

    var flushWindow: Window { Window(bus: device.flushWindow, witness: witness) }
    func bar(_ index: Int) -> Window? { device.bar(index).map { Window(bus: $0, witness: nil) } }
    func readConfig32(_ offset: Int) -> UInt32 { device.readConfig32(offset) }
    func writeConfig32(_ offset: Int, _ value: UInt32) { device.writeConfig32(offset, value) }
    func reset() { device.reset() }
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        try device.map(object, offset: offset, length: length, rights: rights)
    }
    func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        try device.mapRegion(region)
    }
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) { try device.unmap(iova, length: length) }
}

@Suite struct VisibilityTests {
    @Test("nothing of a burst is published before the flush page was read, and published bytes are there (S1, INV-4)")
    func flushPrecedesPublication() throws {
        let region = try DeviceRegion(size: 4 << 20, slotSize: 4096, visibility: .flushRead)
        let seen = try region.object.view(length: region.slotBytes, rights: .read)
        var model = SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 1])
        // Only a flush makes payload visible within this test.
        model.payloadDelay = .between(.seconds(100), .seconds(100))
        let nic = SoftNIC(configuration: model)
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        let channel = ApplicationChannel(memory.bytes)
        let witness = Witness(channel)
        let device = WitnessedDevice(device: SoftPCIDevice(nic), witness: witness)
        var stack = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24))
        stack.slotBudget = 512
        stack.slotsPerFlow = 256
        var configuration = EngineConfiguration(stack: stack)
        configuration.device.splitQueues = 1
        configuration.device.receiveDescriptors = 128
        var engine = try Engine<I82576Driver<WitnessedDevice>>(
            device: device, configuration: configuration, region: region, flushWindow: device.flushWindow,
            channel: channel, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ = nic.step(now: nic.now + $0) }
        try engine.stack.listen(port: 5001)
        var client = ApplicationClient(channel)
        var sender = try Sender(to: IPv4Address(10, 0, 0, 1), 5001, now: nic.now)
        let message = HeapBytes(count: 8192)
        message.bytes.fill(0x5A)
        var (bytes, wrong) = (0, 0)
        for _ in 0..<20_000 where bytes < 200_000 {
            let now = nic.now + .microseconds(10)
            _ = sender.stack.send(sender.connection, message.bytes.readOnly)
            sender.poll(nic, now: now)
            _ = nic.step(now: now)
            _ = engine.poll(now: now)
            while let record = client.next() {
                guard record.kind == .device else { continue }
                let piece = seen.bytes.readOnly.slice(Int(record.offset), Int(record.length))
                for i in 0..<piece.count where piece[i] != 0x5A { wrong += 1 }
                bytes += piece.count
                _ = client.giveBack(record.token)
            }
            client.flush()
            witness.published = witness.tail.loadAcquiring()
        }
        engine.shutDown { _ = nic.step(now: nic.now + $0) }
        #expect(bytes >= 200_000 && wrong == 0)
        #expect(witness.flushes > 1 && witness.early == 0)
    }
}
