internal import NICRegisters
internal import DeviceMemory
public import Timeline

extension I82576Driver {
    public var isLinkUp: Bool { port.isLinkUp }

    public var linkSpeed: Int { port.linkSpeed }

    /// Restarts auto-negotiation and waits for the link: copper takes 2 to 3 s, QEMU's model 0.5 s, and neither starts by
    /// itself after every reset.
    func startLink(wait: (Interval) -> Void) throws(DriverError) {
        port.releaseLinkSettings()
        try withPHY(wait: wait) { () throws(DriverError) in try port.restartNegotiation(wait: wait) }
        try port.waitForLink(wait: wait)
    }

    public func readPHY(_ register: UInt8, wait: (Interval) -> Void) throws(DriverError) -> UInt16 {
        var value: UInt16 = 0
        try withPHY(wait: wait) { () throws(DriverError) in
            value = try port.accessPHY(.reading(register), wait: wait)
        }
        return value
    }

    /// Holds the PHY's semaphores around `body` (4.7.1, ownership of shared resources).
    private func withPHY(
        wait: (Interval) -> Void, _ body: () throws(DriverError) -> Void
    ) throws(DriverError) {
        try takeSemaphore(wait: wait)
        var held = false
        for _ in 0..<200 where !held {
            let owners = registers.read(I82576.swFwSync)
            if !owners[.softwarePHY] && !owners[.firmwarePHY] {
                registers.write(I82576.swFwSync, owners.setting(.softwarePHY))
                held = true
            } else {
                releaseSemaphore()
                wait(.milliseconds(5))
                try takeSemaphore(wait: wait)
            }
        }
        releaseSemaphore()
        guard held else { throw .semaphoreHeld(name: "the PHY (SW_FW_SYNC)") }
        do {
            try body()
        } catch {
            try releasePHY(wait: wait)
            throw error
        }
        try releasePHY(wait: wait)
    }

    private func releasePHY(wait: (Interval) -> Void) throws(DriverError) {
        try takeSemaphore(wait: wait)
        registers.modify(I82576.swFwSync) { $0[.softwarePHY] = false }
        releaseSemaphore()
    }

    /// SMBI reads 0 to the one who gets it; SWESMBI sticks only when firmware does not hold it.
    private func takeSemaphore(wait: (Interval) -> Void) throws(DriverError) {
        try poll(
            .milliseconds(100), step: .microseconds(50), wait: wait, orElse: .semaphoreHeld(name: "SWSM.SMBI")
        ) {
            !registers.read(I82576.swsm)[.software]
        }
        do {
            try poll(
                .milliseconds(100), step: .microseconds(50), wait: wait, orElse: .semaphoreHeld(name: "SWSM.SWESMBI")
            ) {
                registers.write(I82576.swsm, registers.read(I82576.swsm).setting(.softwareFirmware))
                return registers.read(I82576.swsm)[.softwareFirmware]
            }
        } catch {
            // SMBI is ours: kept, it would make the next driver blame firmware.
            releaseSemaphore()
            throw error
        }
    }

    private func releaseSemaphore() {
        registers.write(
            I82576.swsm,
            registers.read(I82576.swsm).setting(.software, false).setting(.softwareFirmware, false))
    }
}
