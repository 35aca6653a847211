import ClientKit
import DeviceMemory
import Logging
import Packets
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// The NIC model behind a bus that posts writes, as PCI Express does: they arrive with the next read, or when it is time.
private final class Posting {
    let bus: SoftBus
    var waiting: [(UInt32, UInt32)] = []

    init(_ bus: SoftBus) { self.bus = bus }

    func arrive() {
        for (offset, value) in waiting { bus.write32(offset, value) }
        waiting = []
    }
}

private struct PostingDevice: PCIDevice {
    struct Window: Bus {
        let posting: Posting

        func read32(_ offset: UInt32) -> UInt32 {
            posting.arrive()
            return posting.bus.read32(offset)
        }

        func write32(_ offset: UInt32, _ value: UInt32) { posting.waiting.append((offset, value)) }
    }

    let device: SoftPCIDevice
    let registers: Posting
    let flush: Posting

    var flushWindow: Window { Window(posting: flush) }
    func bar(_ index: Int) -> Window? { index == 0 ? Window(posting: registers) : nil }
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
    func enableInterrupts(vectors: Int) throws(DeviceMemoryError) { try device.enableInterrupts(vectors: vectors) }
    func takeInterrupts() -> UInt64 { device.takeInterrupts() }
}

@Suite struct PostedWriteTests {
    /// An idle engine over posted writes falls asleep, and a broadcast arrives before anything that it wrote is pushed out.
    private func wakes<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type, _ model: SoftNICModel
    ) throws -> Bool where Driver.Device == PostingDevice {
        let nic = SoftNIC(
            configuration: SoftNICConfiguration(model: model, preset: .strict, macAddress: [2, 0, 0, 0, 0, 1]))
        let soft = SoftPCIDevice(nic)
        let registers = Posting(SoftBus(nic, .registers))
        let device = PostingDevice(device: soft, registers: registers, flush: Posting(soft.flushWindow))
        let region = try DeviceRegion(size: 2 << 20, slotSize: 4096, visibility: .flushRead)
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        var configuration = EngineConfiguration(
            stack: Configuration(
                interface: InterfaceConfiguration(
                    mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24)))
        configuration.device.splitQueues = 1
        configuration.device.receiveDescriptors = 64
        var engine = try Engine<Driver>(
            device: device, configuration: configuration, region: region, flushWindow: device.flushWindow,
            channel: ApplicationChannel(memory.bytes),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) {
            registers.arrive()
            _ = nic.step(now: nic.now + $0)
        }
        try engine.enableInterrupts()
        registers.arrive()
        _ = nic.step(now: nic.now + .milliseconds(1))
        _ = engine.poll(now: nic.now)
        _ = nic.takeInterrupts()
        let asleep = engine.fallAsleep(now: nic.now)
        let frame = HeapBytes(count: 60)
        frame.bytes.fill(0xFF)
        _ = nic.receive(frame.bytes.readOnly)
        for _ in 0..<50 { _ = nic.step(now: nic.now + .microseconds(10)) }
        registers.arrive()
        for _ in 0..<50 { _ = nic.step(now: nic.now + .microseconds(10)) }
        let fired = nic.takeInterrupts() != 0
        engine.shutDown {
            registers.arrive()
            _ = nic.step(now: nic.now + $0)
        }
        extendLifetime(frame)
        extendLifetime(memory)
        return asleep && fired
    }

    @Test("a frame that comes while the arming is on its way to the device wakes the sleeper all the same")
    func posted() throws {
        #expect(try wakes(I82576Driver<PostingDevice>.self, .i82576))
        #expect(try wakes(I82574Driver<PostingDevice>.self, .i82574))
        #expect(try wakes(I82599Driver<PostingDevice>.self, .i82599))
    }

    @Test("datagrams for the address that the controller brings are taken, whatever address was configured")
    func ownAddress() throws {
        let nic = SoftNIC(configuration: SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 7]))
        let device = SoftPCIDevice(nic)
        let region = try DeviceRegion(size: 2 << 20, slotSize: 4096, visibility: .flushRead)
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        var configuration = EngineConfiguration(
            stack: Configuration(
                interface: InterfaceConfiguration(
                    mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24)))
        configuration.frames = .udp(port: 9000)
        configuration.device.splitQueues = 1
        configuration.device.split = .tcpAndUDP
        configuration.device.receiveDescriptors = 64
        var engine = try Engine<I82576Driver<SoftPCIDevice>>(
            device: device, configuration: configuration, region: region, flushWindow: device.flushWindow,
            channel: ApplicationChannel(memory.bytes),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ = nic.step(now: nic.now + $0) }
        let frame = Datagram(data: 1000, mac: MACAddress(2, 0, 0, 0, 0, 7)).bytes()
        _ = nic.receive(frame.bytes.readOnly)
        for _ in 0..<100 {
            _ = nic.step(now: nic.now + .microseconds(10))
            _ = engine.poll(now: nic.now)
        }
        let frames = engine.report().frames
        engine.shutDown { _ = nic.step(now: nic.now + $0) }
        #expect(frames.delivered == 1 && frames.withPayload == 1)
        extendLifetime(frame)
        extendLifetime(memory)
    }
}
