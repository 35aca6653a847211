internal import ClientKit
internal import DeviceMemory
internal import HeaderSplit
internal import Logging
internal import PagePool
internal import Timeline
internal import VFIODriver

/// A region that all split queues are bound to from the start.
struct FirstRegion<B: Bus>: ~Copyable {
    var place: RegionPlace<B>
    let slotSize: Int
    let slots: Int
}

/// What an engine is put together from once its device is up.
struct EngineParts<Driver: NICDriver & ~Copyable>: ~Copyable {
    typealias Place = RegionPlace<Driver.Device.BusType>

    var queues: Slab<Driver.ReceiveQueue>
    var transmit: Driver.TransmitRing
    var memory: HostMemory
    var hostMemory: HostMemory
    var pools: PoolTable
    let poolOfQueue: Slab<Int>
    let spareMemory: QueueMemory
    var regions: Slab<Place>
    let ports: Slab<ApplicationPort>
    let vacantMemory: HeapBytes
    let flushWindowOfHost: Driver.Device.BusType

    /// Brings the device up and its queues; when a step fails the device is shut down again.
    static func build(
        _ driver: inout Driver, _ configuration: EngineConfiguration,
        _ first: consuming FirstRegion<Driver.Device.BusType>?, _ log: Logger, _ wait: (Interval) -> Void
    ) throws(DriverError) -> EngineParts {
        do {
            try driver.bringUp(wait: wait)
            try driver.requireParts()
            log.info("link up at \(driver.linkSpeed) Mbit/s")
            if first == nil { try driver.setSpread(over: []) }
            return try EngineParts(driver, configuration, first, log, wait)
        } catch {
            driver.shutDown(wait: wait)
            throw error
        }
    }

    private init(
        _ driver: borrowing Driver, _ configuration: EngineConfiguration,
        _ first: consuming FirstRegion<Driver.Device.BusType>?, _ log: Logger, _ wait: (Interval) -> Void
    ) throws(DriverError) {
        let device = driver.device
        guard let registers = device.bar(0) else { throw .noRegisters }
        let splitQueues = configuration.device.splitQueues
        var memory = try Self.map("rings and headers", driver.hostBytes, device, configuration, log)
        // A ring for every queue, as each may be the host's, and one more to restart with; whole frames are read in place, so
        // that a slot is out for no longer than a burst.
        let hostSlots = configuration.device.receiveDescriptors * (splitQueues + 2) + 64
        let hostSlotBytes = driver.hostSlotBytes
        var hostMemory = try Self.map("host pages", hostSlots * hostSlotBytes, device, configuration, log)
        let hostPages: HostBlock
        do {
            hostPages = try hostMemory.allocate(bytes: hostSlots * hostSlotBytes)
        } catch {
            throw .memory(error)
        }
        var pools = PoolTable(capacity: configuration.regions + 1)
        pools.install(
            PagePool(identifier: 0, provider: MemoryProvider(hostPages: hostPages, slotSize: hostSlotBytes)))
        var regions = Slab<Place>(count: configuration.regions + 1) { _ in .vacant }
        var bound = 0
        if let first {
            bound = 1
            do {
                pools.install(try first.place.makePool(1, slotSize: first.slotSize, slots: first.slots))
            } catch {
                throw .slotSize(bytes: first.slotSize, why: error.description)
            }
            regions[1] = first.surrender()
            regions[1].state = .active
        }
        var queues = Slab<Driver.ReceiveQueue>(capacity: splitQueues + 1)
        let transmit: Driver.TransmitRing
        let spare: QueueMemory
        do {
            for index in 0...splitQueues {
                let pool = index == 0 ? 0 : bound
                queues.append(
                    try driver.makeReceiveQueue(
                        index, memory: &memory, splits: pool != 0, pool: &pools.pools[pool],
                        flushWindow: regions[pool].flushWindow ?? registers, visibility: regions[pool].visibility,
                        wait: wait))
            }
            transmit = try driver.makeTransmitQueue(memory: &memory, wait: wait)
            spare = try driver.makeQueueMemory(&memory)
        } catch {
            // Queues that were enabled before go on writing until the device is shut down: memory lives until then.
            driver.shutDown(wait: wait)
            extendLifetime(memory)
            extendLifetime(hostMemory)
            throw error
        }
        let vacantMemory = HeapBytes(count: ApplicationChannel.bytes(of: ApplicationPort.vacantShape))
        let vacant = vacantMemory.bytes
        ports = Slab(count: configuration.applications) { _ in ApplicationPort.vacant(vacant) }
        self.vacantMemory = vacantMemory
        self.queues = queues
        self.transmit = transmit
        self.memory = memory
        self.hostMemory = hostMemory
        self.pools = pools
        self.regions = regions
        poolOfQueue = Slab(count: splitQueues + 1) { $0 == 0 ? 0 : bound }
        spareMemory = spare
        flushWindowOfHost = registers
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

extension FirstRegion where B: Bus {
    consuming func surrender() -> RegionPlace<B> { place }

    /// Maps `region` for a device that is not up yet.
    static func map<D: PCIDevice>(
        _ region: borrowing DeviceRegion, for device: D, _ flushWindow: B, _ memory: BindingMemory
    ) throws(DriverError) -> FirstRegion where D.BusType == B {
        do {
            return FirstRegion(
                place: try RegionPlace.map(region, for: device, flushWindow, memory), slotSize: region.slotSize,
                slots: region.slotCount)
        } catch {
            throw .memory(error)
        }
    }
}
