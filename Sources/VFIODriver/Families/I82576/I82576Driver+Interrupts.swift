internal import DeviceMemory
internal import NICRegisters

/// One vector for all receive queues: whoever sleeps looks at every queue anyway.
extension I82576Driver {
    public func routeInterrupts() {
        // Multiple_MSIX first: vectors that are set up before it do not stick (as Linux has it).
        registers.write(
            I82576.gpie,
            .init().setting(.multipleMSIX).setting(.autoMaskEnable).setting(.pendingBits).setting(.clearOnRead))
        let entry: UInt32 = 0x80
        for i in 0..<8 {
            var allocation = I82576.InterruptAllocation()
            if i <= configuration.splitQueues { allocation[.receiveLow] = entry }
            if i + 8 <= configuration.splitQueues { allocation[.receiveHigh] = entry }
            registers.write(I82576.ivar(i), allocation)
        }
        // The vector clears and masks itself when it fires: one message a sleep.
        registers.write(I82576.eiac, PlainValue(1))
        registers.write(I82576.eiam, PlainValue(1))
    }

    public func armInterrupts() {
        registers.write(I82576.eicr, PlainValue(1))
        registers.write(I82576.eims, PlainValue(1))
        // Writes are posted: until they have arrived, the first may still forget a completion that comes after the last look.
        // The read pushes them out, and brings the descriptors of what was forgotten before it.
        _ = registers.read(I82576.status)
    }

    public func maskInterrupts() {
        registers.write(I82576.imc, .init(rawValue: .max))
        registers.write(I82576.eimc, PlainValue(.max))
    }
}
