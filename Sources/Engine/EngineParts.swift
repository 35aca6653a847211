internal import DeviceMemory
internal import HeaderSplit
internal import Logging
internal import PagePool
internal import Timeline
internal import VFIODriver

/// What an engine is put together from once its device is up.
struct EngineParts<Driver: NICDriver & ~Copyable>: ~Copyable {
    var queues: Slab<Driver.ReceiveQueue>
    var transmit: Driver.TransmitRing
    var memory: HostMemory
    var hostMemory: HostMemory
    var pools: PoolTable
    let reservation: MappedView

    /// Brings the device up and its queues; when a step fails the device is shut down again.
    static func build(
        _ driver: inout Driver, _ configuration: EngineConfiguration, _ region: borrowing DeviceRegion,
        _ flushWindow: Driver.Device.BusType, _ log: Logger, _ wait: (Interval) -> Void
    ) throws(DriverError) -> EngineParts {
        let needed = configuration.device.receiveDescriptors * configuration.device.splitQueues
        guard region.slotCount > needed else {
            throw .split(.poolTooSmall(slots: region.slotCount, descriptors: needed))
        }
        do {
            try driver.bringUp(wait: wait)
            try driver.requireParts()
            log.info("link up at \(driver.linkSpeed) Mbit/s")
            return try EngineParts(driver, configuration, region, flushWindow, log, wait)
        } catch {
            driver.shutDown(wait: wait)
            throw error
        }
    }

    private init(
        _ driver: borrowing Driver, _ configuration: EngineConfiguration,
        _ region: borrowing DeviceRegion, _ flushWindow: Driver.Device.BusType, _ log: Logger,
        _ wait: (Interval) -> Void
    ) throws(DriverError) {
        let device = driver.device
        var memory = try Self.map("rings and headers", driver.hostBytes, device, configuration, log)
        // Twice the ring: whole frames are read in place, so no slot is out for longer than a burst.
        let hostSlots = configuration.device.receiveDescriptors * 2
        let hostSlotBytes = driver.hostSlotBytes
        var hostMemory = try Self.map("host pages", hostSlots * hostSlotBytes, device, configuration, log)
        let regionAddress: IOVA
        let reservation: MappedView
        let hostPages: HostBlock
        do {
            hostPages = try hostMemory.allocate(bytes: hostSlots * hostSlotBytes)
            regionAddress = try device.mapRegion(region)
            reservation = try region.object.view(length: region.slotBytes, rights: [])
        } catch {
            throw .memory(error)
        }
        var pools = PoolTable(capacity: 2)
        pools.install(
            PagePool(identifier: 0, provider: MemoryProvider(hostPages: hostPages, slotSize: hostSlotBytes)))
        pools.install(
            PagePool(
                identifier: 1,
                provider: MemoryProvider(
                    deviceRegionAt: regionAddress, slotSize: region.slotSize, slotCount: region.slotCount)))
        var queues = Slab<Driver.ReceiveQueue>(capacity: configuration.device.splitQueues + 1)
        let transmit: Driver.TransmitRing
        do {
            queues.append(
                try driver.makeReceiveQueue(
                    0, memory: &memory, pool: &pools.pools[0], flushWindow: flushWindow,
                    visibility: .coherent, wait: wait))
            for index in 1...configuration.device.splitQueues {
                queues.append(
                    try driver.makeReceiveQueue(
                        index, memory: &memory, pool: &pools.pools[1], flushWindow: flushWindow,
                        visibility: region.visibility, wait: wait))
            }
            transmit = try driver.makeTransmitQueue(memory: &memory, wait: wait)
        } catch {
            // Queues that were enabled before go on writing until the device is shut down: memory lives until then.
            driver.shutDown(wait: wait)
            extendLifetime(memory)
            extendLifetime(hostMemory)
            throw error
        }
        self.queues = queues
        self.transmit = transmit
        self.memory = memory
        self.hostMemory = hostMemory
        self.pools = pools
        self.reservation = reservation
    }

    private static func map(
        _ name: String, _ bytes: Int, _ device: Driver.Device, _ configuration: EngineConfiguration, _ log: Logger
    ) throws(DriverError) -> HostMemory {
        do {
            return try device.hostMemory(name: name, size: bytes, node: configuration.node, log: log)
        } catch {
            throw .memory(error)
        }
    }
}
