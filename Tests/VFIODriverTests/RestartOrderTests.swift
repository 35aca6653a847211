import DeviceMemory
import HeaderSplit
import Logging
import NICRegisters
import PagePool
import Testing
import Timeline

@testable import VFIODriver

/// What a restart of one queue writes, and when; the other queues' registers are left alone.
@Suite struct RestartOrderTests {
    private func start(_ device: FakeDevice) throws -> I82576Driver<FakeDevice> {
        var configuration = NICConfiguration()
        configuration.receiveDescriptors = 64
        configuration.transmitDescriptors = 64
        var driver = try I82576Driver(device: device, configuration: configuration, slotSize: 4096)
        try driver.bringUp { device.waited = device.waited + $0 }
        return driver
    }

    @Test("preparing touches no register; stopping and starting touch their own queue's alone, in order (S3.08, U.38)")
    func order() throws {
        let device = FakeDevice()
        let driver = try start(device)
        var memory = try HostMemory(
            name: "rings", size: driver.hostBytes, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try memory.map(for: device)
        var pool = PagePool(
            identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0x1_0000_0000), slotSize: 4096, slotCount: 400)
        )
        let window = try #require(device.bar(0))
        var queue = try driver.makeReceiveQueue(
            1, memory: &memory, pool: &pool, flushWindow: window, visibility: .coherent
        ) { _ in }
        // All queues of the configuration, and one spare, fit the memory that the driver asks for.
        for index in [0, 2] {
            _ = index
            _ = try driver.makeQueueMemory(&memory)
        }
        _ = try driver.makeTransmitQueue(memory: &memory) { _ in }
        let spare = try driver.makeQueueMemory(&memory)

        device.writes = []
        var fresh = try driver.prepareReceiveQueue(
            1, memory: spare, pool: &pool, flushWindow: window, visibility: .coherent)
        #expect(device.writes.isEmpty)
        try driver.stopReceiveQueue(1, &queue) { _ in }
        #expect(device.writes.map(\.0) == [I82576.rxdctl(1).offset])
        device.writes = []
        try driver.startReceiveQueue(1, &fresh) { _ in }
        let block = I82576.rdbal(1).offset..<(I82576.rdbal(1).offset + 0x40)
        #expect(device.writes.allSatisfy { block.contains($0.0) || $0.0 == I82576.psrtype(1).offset })
        let base = try #require(device.writes.firstIndex { $0.0 == I82576.rdbal(1).offset })
        let enabled = try #require(
            device.writes.lastIndex { $0.0 == I82576.rxdctl(1).offset && $0.1 & 1 << 25 != 0 })
        let tail = try #require(device.writes.lastIndex { $0.0 == I82576.rdt(1).offset })
        #expect(base < enabled && enabled < tail && device.writes[tail].1 == 63)
        let address = UInt32(truncatingIfNeeded: fresh.memory.ring.iova.rawValue)
        #expect(device.writes[base].1 == address)
        let different = queue.memory.ring.iova != fresh.memory.ring.iova
        #expect(different)
        queue.stop(&pool)
        fresh.stop(&pool)
        let free = pool.freeCount
        #expect(free == 400)
    }

    @Test("a device that is gone is not intact, and neither is one whose receiver is off")
    func intact() throws {
        let device = FakeDevice()
        let driver = try start(device)
        let sound = driver.isIntact
        device.registers[I82576.rctl.offset] = 0
        let reset = driver.isIntact
        device.isGone = true
        let gone = driver.isIntact
        #expect(sound && !reset && !gone)
        #expect(throws: DriverError.deviceGone(during: "a look at its command register")) {
            try driver.checkBusMaster()
        }
    }
}
