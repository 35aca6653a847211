internal import DeviceMemory
internal import NICRegisters

/// One vector for all receive queues, as on the 82576.
extension I82599Driver {
    public func routeInterrupts() {
        registers.write(
            I82599.gpie, .init().setting(.multipleMSIX).setting(.autoMaskEnable).setting(.pendingBits))
        for i in 0..<(I82599.hashQueueCount / 2) {
            var allocation = I82599.InterruptAllocation()
            if 2 * i <= configuration.splitQueues { allocation[.receiveEven] = 0x80 }
            if 2 * i + 1 <= configuration.splitQueues { allocation[.receiveOdd] = 0x80 }
            registers.write(I82599.ivar(i), allocation)
        }
        registers.write(I82599.eiac, PlainValue(1))
        registers.write(I82599.eiam, PlainValue(1))
    }

    public func armInterrupts() {
        registers.write(I82599.eicr, PlainValue(1))
        registers.write(I82599.eims, PlainValue(1))
        // As on the 82576: both have arrived before the queues are looked at.
        _ = registers.read(I82599.status)
    }

    public func maskInterrupts() {
        registers.write(I82599.eimc, PlainValue(0x7FFF_FFFF))
        for i in 0..<2 { registers.write(I82599.eimcEx(i), PlainValue(.max)) }
    }
}
