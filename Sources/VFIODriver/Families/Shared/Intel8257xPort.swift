internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// What drivers of the 82574 and the 82576 do alike, over the registers that both parts have at the same place.
///
/// Section numbers are those of the 82576 datasheet.
struct Intel8257xPort<B: Bus> {
    let registers: B

    /// Whether STATUS says that the link is up.
    var isLinkUp: Bool {
        let status = registers.read(Intel8257x.status)
        // A device that is gone reads all ones, which is no link.
        return status.rawValue != .max && status[.linkUp]
    }

    /// Link speed in Mbit/s, from STATUS.
    var linkSpeed: Int {
        switch registers.read(Intel8257x.status)[.speed] {
        case 0: 10
        case 1: 100
        default: 1000
        }
    }

    /// Lets no new request onto the bus and waits until none is out: within 80 ms (4.2.1.6.1); silence after that is a dead
    /// device.
    func stopMasters(wait: (Interval) -> Void) throws(DriverError) {
        registers.modify(Intel8257x.ctrl) { $0[.masterDisable] = true }
        if registers.read(Intel8257x.status).rawValue == .max { throw .deviceGone(during: "reset") }
        try poll(.milliseconds(80), step: .milliseconds(1), wait: wait, orElse: .mastersStillBusy) {
            !registers.read(Intel8257x.status)[.masterEnabled]
        }
    }

    /// The station address, 6 bytes: RAL0 and RAH0 hold the NVM's after a reset (10.2.3.5).
    func stationAddress() throws(DriverError) -> [UInt8] {
        let low = registers.read(Intel8257x.ral(0)).rawValue
        let high = registers.read(Intel8257x.rah(0)).rawValue
        let bytes =
            (0..<4).map { UInt8(truncatingIfNeeded: low >> ($0 * 8)) }
            + (0..<2).map { UInt8(truncatingIfNeeded: high >> ($0 * 8)) }
        guard bytes.contains(where: { $0 != 0 }), bytes[0] & 1 == 0 else { throw .invalidAddress(bytes: bytes) }
        return bytes
    }

    /// Writes the RSS key that follows from `seed`.
    func writeHashKey(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for i in 0..<10 {
            registers.write(Intel8257x.rssrk(i), PlainValue(UInt32(truncatingIfNeeded: generator.next())))
        }
    }
}
