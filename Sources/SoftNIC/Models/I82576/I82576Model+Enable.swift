internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// Enabling and disabling of queues: takes its time, and is in effect when ENABLE reads so.
extension I82576Model {
    mutating func writeReceiveDescriptorControl(_ queue: Int, _ value: I82576.ReceiveDescriptorControl) {
        let wanted = value[.enable]
        let enabled = receiveQueues[queue].enabled
        if enabled && wanted && value.setting(.flush, false) != registers[I82576.rxdctl(queue)] {
            flag(.thresholdsWrittenWhileEnabled, UInt64(queue))
        }
        // ENABLE reads back what is in effect; SWFLUSH clears itself.
        registers[I82576.rxdctl(queue)] = value.setting(.flush, false).setting(.enable, enabled)
        if value[.flush] { writeHeld(queue, receiveQueues[queue].held) }
        receiveQueues[queue].batch = batchSize(value)
        receiveQueues[queue].enableTarget = wanted
        let bit = UInt32(1) &<< UInt32(queue)
        guard wanted != enabled, !isStuck(queue, wanted) else {
            enablesPending &= ~bit
            return
        }
        let latency = core.faults.enableLatency(queue, usual: behaviour.enableLatency)
        guard latency > .zero else { return commitReceiveEnable(queue) }
        if enablesPending & bit == 0 { receiveQueues[queue].enableDue = now + latency }
        enablesPending |= bit
    }

    private func batchSize(_ control: I82576.ReceiveDescriptorControl) -> Int {
        switch behaviour.writeBack {
        case .immediate: 1
        case .threshold: max(1, Int(control[.writeBackThreshold]))
        case .cacheLine: 4
        }
    }

    /// A fault keeps the queue as it is.
    private func isStuck(_ queue: Int, _ wanted: Bool) -> Bool {
        let queues = wanted ? core.faults.neverEnabled : core.faults.neverDisabled
        return queues &>> UInt16(truncatingIfNeeded: queue) & 1 != 0
    }

    /// A change of ENABLE takes effect.
    mutating func commitReceiveEnable(_ queue: Int) {
        enablesPending &= ~(1 &<< UInt32(queue))
        let wanted = receiveQueues[queue].enableTarget
        registers[I82576.rxdctl(queue)][.enable] = wanted
        // After ENABLE reads 0 the device writes nothing more for this queue.
        if !wanted { writeHeld(queue, receiveQueues[queue].held) }
        _ = pendingDone.publish()
        receiveQueues[queue].enabled = wanted
        if behaviour.tracksBuffers { posted.removeAll(of: queue) }
        receiveQueues[queue].scanned = receiveQueues[queue].head
        if !behaviour.resumesOnTailOnly { core.receiveBlocked = false }
        guard wanted else { return }
        writtenBack[queue] = HeapBytes(count: receiveQueues[queue].count * 16)
        if behaviour.tracksBuffers {
            var total = 0
            for other in 0..<I82576.queueCount where receiveQueues[other].enabled {
                total += receiveQueues[other].count
            }
            posted.reserve(total)
        }
        newTails |= 1 &<< UInt32(queue)
        checkReceiveSetUp()
    }

    mutating func writeTransmitDescriptorControl(_ queue: Int, _ value: I82576.TransmitDescriptorControl) {
        let wanted = value[.enable]
        let enabled = transmitter.queues[queue].enabled
        if enabled && wanted && value.setting(.flush, false) != registers[I82576.txdctl(queue)] {
            flag(.thresholdsWrittenWhileEnabled, UInt64(queue))
        }
        registers[I82576.txdctl(queue)] = value.setting(.flush, false).setting(.enable, enabled)
        transmitter.queues[queue].enableTarget = wanted
        let bit = UInt32(1) &<< UInt32(queue + 16)
        guard wanted != enabled else {
            enablesPending &= ~bit
            return
        }
        guard behaviour.enableLatency > .zero else { return commitTransmitEnable(queue) }
        if enablesPending & bit == 0 { transmitter.queues[queue].enableDue = now + behaviour.enableLatency }
        enablesPending |= bit
    }

    /// A change of ENABLE takes effect. Contexts do not survive it (Linux igb sends them again after a restart).
    mutating func commitTransmitEnable(_ queue: Int) {
        enablesPending &= ~(1 &<< UInt32(queue + 16))
        registers[I82576.txdctl(queue)][.enable] = transmitter.queues[queue].enableTarget
        transmitter.queues[queue].enabled = transmitter.queues[queue].enableTarget
        transmitter.queues[queue].context0 = TransmitContext()
        transmitter.queues[queue].context1 = TransmitContext()
        transmitter.queues[queue].startFrame()
        considerTransmit(queue)
    }

    /// Puts changes into effect that are due; true if there was one.
    mutating func commitEnables() -> Bool {
        var worked = false
        for queue in 0..<I82576.queueCount {
            if enablesPending &>> UInt32(queue) & 1 != 0 && receiveQueues[queue].enableDue <= now {
                commitReceiveEnable(queue)
                worked = true
            }
            if enablesPending &>> UInt32(queue + 16) & 1 != 0 && transmitter.queues[queue].enableDue <= now {
                commitTransmitEnable(queue)
                worked = true
            }
        }
        return worked
    }

    /// When the next one is due.
    var nextEnable: Instant {
        var next = Instant.never
        guard enablesPending != 0 else { return next }
        for queue in 0..<I82576.queueCount {
            if enablesPending &>> UInt32(queue) & 1 != 0 { next = min(next, receiveQueues[queue].enableDue) }
            if enablesPending &>> UInt32(queue + 16) & 1 != 0 { next = min(next, transmitter.queues[queue].enableDue) }
        }
        return next
    }
}
