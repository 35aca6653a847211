internal import DeviceMemory
internal import NICRegisters

/// One vector for both receive queues: whoever sleeps looks at every queue anyway.
extension I82574Driver {
    private var receiveCauses: I82574.InterruptCause { .init().setting(.receiveQueue0).setting(.receiveQueue1) }

    public func routeInterrupts() {
        // As the family's drivers have it for MSI-X: pending bits by register, IAM applies when a vector fires.
        registers.modify(I82574.ctrlExt) {
            $0[.autoMaskOnRead] = false
            $0[.pendingBitClear] = true
            $0[.autoMaskEnable] = true
        }
        // Valid, vector 0; everything else goes nowhere.
        registers.write(I82574.ivar, .init().setting(.receiveQueue0, 8).setting(.receiveQueue1, 8))
        // A cause clears and masks itself when the vector fires: one message a queue and sleep. IAM would mask the other
        // queue's too, which QEMU does not do.
        registers.write(I82574.eiac, receiveCauses)
        registers.write(I82574.iam, receiveCauses)
        // QEMU raises this to 128 us and sends one message more when they are over.
        registers.write(I82574.eitr(0), PlainValue(0))
    }

    public func armInterrupts() {
        registers.write(I82574.icr, receiveCauses)
        registers.write(I82574.ims, receiveCauses)
        // As on the 82576: both have arrived before the queues are looked at.
        _ = registers.read(I82574.status)
    }

    public func maskInterrupts() { registers.write(I82574.imc, .init(rawValue: .max)) }
}
