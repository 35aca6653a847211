internal import DeviceMemory
internal import NICRegisters
public import Timeline

extension I82574Driver {
    public var isLinkUp: Bool { port.isLinkUp }

    public var linkSpeed: Int { port.linkSpeed }

    /// Restarts auto-negotiation and waits for the link.
    func startLink(wait: (Interval) -> Void) throws(DriverError) {
        port.releaseLinkSettings()
        registers.modify(I82574.ctrl) { $0[.autoSpeedDetection] = false }
        // The reset gave the PHY back to firmware.
        try takePHY(wait: wait)
        do {
            try port.restartNegotiation(wait: wait)
        } catch {
            releasePHY()
            throw error
        }
        releasePHY()
        try port.waitForLink(wait: wait)
    }

    public func readPHY(_ register: UInt8, wait: (Interval) -> Void) throws(DriverError) -> UInt16 {
        try takePHY(wait: wait)
        defer { releasePHY() }
        return try port.accessPHY(.reading(register), wait: wait)
    }

    /// Takes the PHY's bus from firmware; the bit reads 1 to the one who has it.
    func takePHY(wait: (Interval) -> Void) throws(DriverError) {
        try poll(
            .milliseconds(40), step: .milliseconds(4), wait: wait,
            orElse: .semaphoreHeld(name: "the PHY (EXTCNF_CTRL bit 5)")
        ) {
            registers.modify(I82574.extcnfCtrl) { $0[.softwareOwnsMDIO] = true }
            return registers.read(I82574.extcnfCtrl)[.softwareOwnsMDIO]
        }
    }

    /// Gives the PHY's bus back to firmware.
    func releasePHY() {
        registers.modify(I82574.extcnfCtrl) { $0[.softwareOwnsMDIO] = false }
    }
}
