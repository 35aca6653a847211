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
    var pool: PagePool
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
        _ first: inout FirstRegion<Driver.Device.BusType>?, _ log: Logger, _ wait: (Interval) -> Void
    ) throws(DriverError) -> EngineParts {
        do {
            try driver.bringUp(wait: wait)
            try driver.requireParts()
            log.info("link up at \(driver.linkSpeed) Mbit/s")
            let isBound = first != nil
            if !isBound { try driver.setSpread(over: []) }
            return try EngineParts(driver, configuration, &first, log, wait)
        } catch {
            driver.shutDown(wait: wait)
            throw error
        }
    }

    private init(
        _ driver: borrowing Driver, _ configuration: EngineConfiguration,
        _ first: inout FirstRegion<Driver.Device.BusType>?, _ log: Logger, _ wait: (Interval) -> Void
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
        if first != nil { bound = 1 }
        FirstRegion.place(&first, &pools, &regions)
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
            spare = try driver.makeQueueMemory(&memory)
            transmit = try driver.makeTransmitQueue(memory: &memory, wait: wait)
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

extension FirstRegion {
    /// Gives the region its place, number 1; nothing when there is none.
    static func place(_ first: inout FirstRegion?, _ pools: inout PoolTable, _ regions: inout Slab<RegionPlace<B>>) {
        guard let region = first.take() else { return }
        pools.install(region.pool)
        regions[1] = region.place
        regions[1].state = .active
    }

    /// Maps `region` for a device that is not up yet.
    static func map<D: PCIDevice>(
        _ region: borrowing DeviceRegion, for device: D, _ flushWindow: B, _ memory: BindingMemory
    ) throws(DriverError) -> FirstRegion where D.BusType == B {
        do {
            let place = try RegionPlace.map(region, for: device, flushWindow, memory)
            let pool = try place.makePool(1, slotSize: region.slotSize, slots: region.slotCount)
            return FirstRegion(place: place, pool: pool)
        } catch let error as DeviceMemoryError {
            throw .memory(error)
        } catch let error as PagePoolError {
            throw .pool(error)
        } catch {
            throw .memory(.deviceGone)
        }
    }
}
