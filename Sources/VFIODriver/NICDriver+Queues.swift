public import DeviceMemory
public import HeaderSplit
public import PagePool
internal import Rings
public import Timeline

/// What stopping one receive queue takes, and so what a change of its ring, pool or region costs the others.
public enum QueueRestart: Sendable, Hashable {
    /// Nothing: the queue is stopped and started by itself.
    case perQueue
    /// A reset: ``NICDriver/shutDown(wait:)``, every queue halted and armed again, ``NICDriver/bringUp(wait:)``, every queue
    /// started. What arrives meanwhile is lost, for all queues.
    case wholeDevice
}

extension NICDriver where Self: ~Copyable {
    /// Bytes of host memory for the rings, header slabs and transmit buffers of the whole configuration, with memory for one
    /// receive queue more: a restart prepares the new queue while the old one runs.
    public var hostBytes: Int {
        let queue = ringBytes + headerSlabBytes
        let transmit = configuration.transmitDescriptors * (TransmitFormat.stride + transmitBufferBytes)
        // Each block may start on a fresh page.
        return (configuration.splitQueues + 2) * (queue + 2 * 4096) + transmit + 4 * 4096
    }

    private var ringBytes: Int { configuration.receiveDescriptors * ReceiveFormat.stride }
    private var headerSlabBytes: Int { configuration.receiveDescriptors * ReceiveQueue.headerStride(headerBytes) }

    /// Carves the memory of one receive queue, whichever it is.
    public func makeQueueMemory(_ memory: inout HostMemory) throws(DriverError) -> QueueMemory {
        let ring = try block(&memory, ringBytes)
        return QueueMemory(ring: ring, headers: try block(&memory, headerSlabBytes))
    }

    /// Arms receive queue `index` as it is at first: queue 0 for whole frames in host memory, the others to split.
    public func prepareReceiveQueue(
        _ index: Int, memory: QueueMemory, pool: inout PagePool, flushWindow: Device.BusType, visibility: Visibility
    ) throws(DriverError) -> ReceiveQueue {
        try prepareReceiveQueue(
            index, memory: memory, splits: index != 0, pool: &pool, flushWindow: flushWindow, visibility: visibility)
    }

    /// Sets up receive queue `index` in memory of its own, fills it from `pool` and starts it.
    ///
    /// - Parameters:
    ///   - flushWindow: a bus window whose read at offset 0 proves payload writes complete.
    ///   - visibility: of the region behind `pool`.
    /// - Throws: with every slot back in `pool`.
    public func makeReceiveQueue(
        _ index: Int, memory: inout HostMemory, splits: Bool? = nil, pool: inout PagePool,
        flushWindow: Device.BusType, visibility: Visibility, wait: (Interval) -> Void
    ) throws(DriverError) -> ReceiveQueue {
        let own = try makeQueueMemory(&memory)
        var queue = try prepareReceiveQueue(
            index, memory: own, splits: splits ?? (index != 0), pool: &pool, flushWindow: flushWindow,
            visibility: visibility)
        do {
            try startReceiveQueue(index, &queue, wait: wait)
        } catch {
            queue.stop(&pool)
            throw error
        }
        return queue
    }

    /// Arms a receive queue for a family whose tail register is at `doorbell`.
    func arm(
        _ index: Int, _ memory: QueueMemory, _ placement: HeaderPlacement, _ registers: Device.BusType,
        doorbell: UInt32,
        pool: inout PagePool, flushWindow: Device.BusType, visibility: Visibility
    ) throws(DriverError) -> ReceiveQueue {
        try checkQueue(index)
        var splits = false
        if case .headerBuffer = placement { splits = true }
        try checkSlots(splits: splits, slotSize: pool.slotSize)
        do {
            return try ReceiveQueue(
                ring: memory.ring, headers: memory.headers, placement: placement, doorbell: Doorbell(offset: doorbell),
                bus: registers, flushWindow: flushWindow, visibility: visibility, pool: &pool)
        } catch {
            throw .split(error)
        }
    }

    /// A transmit queue of a family whose tail register is at `doorbell`, unknown to the device.
    func makeTransmitRing(
        _ memory: inout HostMemory, _ registers: Device.BusType, doorbell: UInt32
    ) throws(DriverError) -> TransmitRing {
        let count = configuration.transmitDescriptors
        let ring = try block(&memory, count * TransmitFormat.stride)
        let buffers = try block(&memory, count * transmitBufferBytes)
        do {
            return try TransmitRing(
                ring: ring, buffers: buffers, bufferSize: transmitBufferBytes, doorbell: Doorbell(offset: doorbell),
                bus: registers)
        } catch {
            throw .split(error)
        }
    }

    /// A block of `memory` that starts a page.
    func block(_ memory: inout HostMemory, _ bytes: Int) throws(DriverError) -> HostBlock {
        do {
            return try memory.allocate(bytes: bytes, alignment: 4096)
        } catch {
            throw .memory(error)
        }
    }
}
