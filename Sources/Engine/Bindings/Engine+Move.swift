internal import TCPLite
internal import ClientKit
internal import DeviceMemory
internal import HeaderSplit
internal import PagePool
public import Timeline
internal import VFIODriver

/// Moves queues between pools: allocate new, stop old, start new, free old; whatever fails, what was there runs on.
extension Engine where Driver: ~Copyable {
    /// Moves `queues` to `place`, all or none.
    mutating func move(
        _ moved: [Int], to place: Int, _ now: Instant, _ wait: (Interval) -> Void
    ) throws(BindingError) {
        bookEmptyDrops()
        if Driver.queueRestart == .wholeDevice {
            try injected(.prepare)
            try injected(.stop)
            try injected(.start)
            let before = moved.map { (queue: $0, from: poolOfQueue[$0]) }
            moveByReset(moved, to: place, now, wait)
            let stayed = moved.filter { poolOfQueue[$0] != place }
            if stayed.isEmpty && driver.isIntact { return }
            for step in before where poolOfQueue[step.queue] != step.from {
                moveByReset([step.queue], to: step.from, now, wait)
            }
            if !driver.isIntact { throw .deviceGone }
            throw .tooFewSlots(
                slots: pools.pools[place].slotCount, needed: driver.configuration.receiveDescriptors * moved.count)
        }
        var done: [(queue: Int, from: Int)] = []
        for queue in moved {
            let from = poolOfQueue[queue]
            do {
                try move(queue, to: place, now, wait)
                done.append((queue, from))
            } catch {
                binding.rolledBack &+= 1
                for step in done.reversed() {
                    do {
                        try move(step.queue, to: step.from, now, wait)
                    } catch {
                        moveByReset([step.queue], to: step.from, now, wait)
                    }
                }
                throw error
            }
        }
    }

    private mutating func move(
        _ queue: Int, to place: Int, _ now: Instant, _ wait: (Interval) -> Void
    ) throws(BindingError) {
        try injected(.prepare)
        let from = poolOfQueue[queue]
        var fresh: Driver.ReceiveQueue
        do {
            fresh = try prepare(queue, place, spareMemory)
        } catch {
            throw .driver(error.description)
        }
        do {
            try injected(.stop)
        } catch {
            fresh.stop(&pools.pools[place])
            throw error
        }
        do {
            try driver.stopReceiveQueue(queue, &queues[queue], wait: wait)
        } catch {
            fresh.stop(&pools.pools[place])
            throw .driver(error.description)
        }
        drain(queue, now)
        do throws(BindingError) {
            try injected(.start)
            do throws(DriverError) {
                try driver.startReceiveQueue(queue, &fresh, wait: wait)
            } catch {
                // A device that may still use the new queue's memory must be reset before anybody else does.
                if case .queueDidNotStop = error { driver.shutDown(wait: wait) }
                throw BindingError.driver(error.description)
            }
        } catch {
            fresh.stop(&pools.pools[place])
            queues[queue].rearm(&pools.pools[from])
            do {
                try driver.startReceiveQueue(queue, &queues[queue], wait: wait)
            } catch {
                moveByReset([], to: 0, now, wait)
            }
            if !driver.isIntact { moveByReset([], to: 0, now, wait) }
            throw error
        }
        swap(&queues[queue], &fresh)
        poolOfQueue[queue] = place
        // `fresh` is the old one now; its rings are the next restart's. What it abandons is counted by stopping it.
        fresh.stop(&pools.pools[from])
        queues[queue].continueCounting(from: fresh.statistics)
        spareMemory = fresh.memory
        binding.restarts &+= 1
    }

    private mutating func prepare(
        _ queue: Int, _ place: Int, _ memory: QueueMemory
    ) throws(DriverError) -> Driver.ReceiveQueue {
        try driver.prepareReceiveQueue(
            queue, memory: memory, splits: place != 0, pool: &pools.pools[place],
            flushWindow: regions[place].flushWindow ?? flushWindowOfHost, visibility: regions[place].visibility)
    }

    /// Takes what the device completed before it let go of a queue.
    private mutating func drain(_ queue: Int, _ now: Instant) {
        while let frame = queues[queue].nextFrame(&pools.pools[poolOfQueue[queue]]) {
            if taps { receiveTapped(frame, now) } else { stack.receive(frame, now: now, pools: &pools) }
        }
        queues[queue].endBurst()
    }

    /// The way of controllers that cannot stop one queue, and the last resort for the others: the device is reset, and every
    /// queue starts again. What arrives meanwhile is lost, and TCP repeats it.
    mutating func moveByReset(_ moved: [Int], to place: Int, _ now: Instant, _ wait: (Interval) -> Void) {
        driver.shutDown(wait: wait)
        for queue in 0..<queues.count {
            queues[queue].halt()
            drain(queue, now)
        }
        for queue in moved {
            let from = poolOfQueue[queue]
            let counted = queues[queue].statistics
            let memory = queues[queue].memory
            queues[queue].stop(&pools.pools[from])
            do {
                var fresh = try prepare(queue, place, memory)
                fresh.continueCounting(from: counted)
                queues[queue] = fresh
                poolOfQueue[queue] = place
            } catch {
                // The slots that it just gave back are there: this cannot fail for want of any.
                do {
                    var again = try prepare(queue, from, memory)
                    again.continueCounting(from: counted)
                    queues[queue] = again
                } catch {
                    isBroken = true
                }
            }
        }
        startAll(wait)
        binding.restarts &+= UInt64(queues.count)
    }

    /// Brings a device up whose queues were taken from it, by us or by somebody else.
    mutating func startAll(_ wait: (Interval) -> Void) {
        guard !isBroken else { return }
        do {
            try driver.bringUp(wait: wait)
            for queue in 0..<queues.count {
                if !queues[queue].isArmed { queues[queue].rearm(&pools.pools[poolOfQueue[queue]]) }
                try driver.startReceiveQueue(queue, &queues[queue], wait: wait)
            }
            giveUpTransmissions()
            transmit.rearm()
            try driver.startTransmitQueue(&transmit, wait: wait)
        } catch {
            driver.shutDown(wait: wait)
            isBroken = true
        }
    }

    /// Sets the device up again after a reset by somebody else: bindings, rules and connections go on. Returns false when the
    /// device does not come back.
    @discardableResult
    public mutating func reestablish(now: Instant, wait: (Interval) -> Void) -> Bool {
        isBroken = false
        // PCI Express: a function may need so long after a reset before it answers.
        wait(.milliseconds(100))
        moveByReset([], to: 0, now, wait)
        if hasInterrupts && !isBroken {
            // Without them the sleeper polls, as it does where there are none.
            hasInterrupts = (try? enableInterrupts()) != nil
        }
        for owner in 0..<ports.count where openPorts[owner] {
            ports[owner].tell(isBroken ? .deviceGone : .deviceReset)
            ports[owner].publish()
        }
        if !isBroken { binding.reestablished &+= 1 }
        return !isBroken
    }

    /// Whether the device still has what was set up. One register read: not once a turn.
    public var isDeviceIntact: Bool { driver.isIntact }
}
