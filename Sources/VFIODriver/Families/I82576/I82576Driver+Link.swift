internal import NICRegisters
internal import DeviceMemory
internal import Timeline

extension I82576Driver {
    /// Whether STATUS says that the link is up.
    public var isLinkUp: Bool {
        let status = registers.read(I82576.status)
        // A device that is gone reads all ones, which is no link.
        return status.rawValue != .max && status[.linkUp]
    }

    /// Link speed in Mbit/s, from STATUS.
    public var linkSpeed: Int {
        switch registers.read(I82576.status)[.speed] {
        case 0: 10
        case 1: 100
        default: 1000
        }
    }

    /// Restarts auto-negotiation and waits for the link: copper takes 2 to 3 s, QEMU's model 0.5 s, and neither starts by
    /// itself after every reset.
    func startLink(wait: (Interval) -> Void) throws(DriverError) {
        registers.modify(I82576.ctrl) {
            $0[.setLinkUp] = true
            $0[.forceSpeed] = false
            $0[.forceDuplex] = false
        }
        try withPHY(wait: wait) { () throws(DriverError) in
            let control =
                PHYRegister.controlAutoNegotiation | PHYRegister.controlRestart | PHYRegister.controlFullDuplex
                | PHYRegister.controlGigabit
            try access(.writing(.control, control), wait: wait)
        }
        var isGone = false
        try poll(.seconds(5), step: .milliseconds(10), wait: wait, orElse: .linkDown(waitedMilliseconds: 5000)) {
            isGone = registers.read(I82576.status).rawValue == .max
            return isGone || isLinkUp
        }
        if isGone { throw .deviceGone(during: "link set-up") }
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

    /// One access on the PHY's management bus; READY comes within 64 us on silicon (10.2.2.7).
    @discardableResult
    private func access(_ request: I82576.PHYAccess, wait: (Interval) -> Void) throws(DriverError) -> UInt16 {
        registers.write(I82576.mdic, request)
        var answer = I82576.PHYAccess()
        let register = UInt8(truncatingIfNeeded: request[.register])
        try poll(
            .milliseconds(32), step: .microseconds(50), wait: wait, orElse: .phyNotResponding(register: register)
        ) {
            answer = registers.read(I82576.mdic)
            return answer[.ready]
        }
        if answer[.error] { throw .phyNotResponding(register: register) }
        return UInt16(truncatingIfNeeded: answer[.data])
    }
}
