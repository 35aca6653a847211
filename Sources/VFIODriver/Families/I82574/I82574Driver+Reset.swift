internal import DeviceMemory
internal import NICRegisters
public import Timeline

extension I82574Driver {
    /// Resets the function and masks its interrupts.
    func reset(wait: (Interval) -> Void) throws(DriverError) {
        // A read takes SMBI, which reads as taken after power-up and after some BIOSes: give it back.
        let semaphore = registers.read(I82574.swsm)
        registers.write(I82574.swsm, semaphore.setting(.software, false))
        try port.stopMasters(wait: wait)
        silence(wait: wait)
        // Firmware must not be talking to the PHY when the reset comes.
        try takePHY(wait: wait)
        restart(wait: wait)
        releasePHY()
        if registers.read(I82574.eecd)[.type] == 3 {
            wait(.microseconds(10))
            registers.modify(I82574.ctrlExt) { $0[.eepromReset] = true }
        }
        try poll(.milliseconds(10), step: .milliseconds(1), wait: wait, orElse: .nvmNotRead) {
            registers.read(I82574.eecd)[.autoReadDone]
        }
        // The PHY is set up from the NVM meanwhile.
        wait(.milliseconds(25))
        if registers.read(I82574.status).rawValue == .max { throw .deviceGone(during: "reset") }
        maskInterrupts()
        _ = registers.read(I82574.icr)
    }

    /// Neither frames nor interrupts from here on.
    private func silence(wait: (Interval) -> Void) {
        maskInterrupts()
        registers.write(I82574.rctl, .init())
        registers.write(I82574.tctl, .init().setting(.padShortPackets))
        _ = registers.read(I82574.status)
        wait(.milliseconds(10))
    }

    /// CTRL.RST; no access is allowed for 1 us after it.
    private func restart(wait: (Interval) -> Void) {
        registers.modify(I82574.ctrl) { $0[.reset] = true }
        wait(.milliseconds(1))
    }

    /// Stops both directions and resets the device, which is this part's only way to give its rings back: afterwards it writes
    /// nowhere, and posted slots may be taken back and memory unmapped.
    public func shutDown(wait: (Interval) -> Void) {
        // A device that does not get quiet is reset all the same: nothing else is left.
        try? port.stopMasters(wait: wait)
        silence(wait: wait)
        registers.modify(I82574.ctrlExt) { $0[.driverLoaded] = false }
        restart(wait: wait)
        device.writeConfig32(
            PCIConfig.command, device.readConfig32(PCIConfig.command) & 0xFFFF & ~PCIConfig.commandBusMaster)
    }
}
