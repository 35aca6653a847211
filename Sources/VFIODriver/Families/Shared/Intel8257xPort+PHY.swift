internal import DeviceMemory
internal import NICRegisters
internal import Timeline

extension Intel8257xPort {
    /// Lets the PHY decide speed and duplex, and the link come up.
    func releaseLinkSettings() {
        registers.modify(Intel8257x.ctrl) {
            $0[.setLinkUp] = true
            $0[.forceSpeed] = false
            $0[.forceDuplex] = false
        }
    }

    /// Restarts auto-negotiation; the caller owns the PHY.
    func restartNegotiation(wait: (Interval) -> Void) throws(DriverError) {
        let control =
            PHYRegister.controlAutoNegotiation | PHYRegister.controlRestart | PHYRegister.controlFullDuplex
            | PHYRegister.controlGigabit
        try accessPHY(.writing(.control, control), wait: wait)
    }

    /// Waits for the link: copper takes 2 to 3 s, QEMU's models 0.5 s.
    func waitForLink(wait: (Interval) -> Void) throws(DriverError) {
        var isGone = false
        try poll(.seconds(5), step: .milliseconds(10), wait: wait, orElse: .linkDown(waitedMilliseconds: 5000)) {
            // All ones are no link.
            isGone = registers.read(Intel8257x.status).rawValue == .max
            return isGone || isLinkUp
        }
        if isGone { throw .deviceGone(during: "link set-up") }
    }

    /// One access on the PHY's management bus, which the caller owns; READY comes within 64 us on silicon (10.2.2.7).
    @discardableResult
    func accessPHY(_ request: Intel8257x.PHYAccess, wait: (Interval) -> Void) throws(DriverError) -> UInt16 {
        registers.write(Intel8257x.mdic, request)
        var answer = Intel8257x.PHYAccess()
        let register = UInt8(truncatingIfNeeded: request[.register])
        try poll(
            .milliseconds(32), step: .microseconds(50), wait: wait, orElse: .phyNotResponding(register: register)
        ) {
            answer = registers.read(Intel8257x.mdic)
            return answer[.ready]
        }
        if answer.rawValue == .max { throw .deviceGone(during: "an access to the PHY") }
        if answer[.error] { throw .phyNotResponding(register: register) }
        return UInt16(truncatingIfNeeded: answer[.data])
    }
}
