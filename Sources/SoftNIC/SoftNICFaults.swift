public import Timeline

/// Which of the semaphores that software and firmware share firmware does not release.
public struct HeldSemaphores: OptionSet, Sendable, Hashable, BitwiseCopyable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }
    /// SWSM.SMBI reads 1: another driver's.
    public static let software = HeldSemaphores(rawValue: 1)
    /// SWSM.SWESMBI does not stick.
    public static let softwareFirmware = HeldSemaphores(rawValue: 2)
    /// SW_FW_SYNC: firmware owns the PHY.
    public static let phy = HeldSemaphores(rawValue: 4)
    /// SW_FW_SYNC: firmware owns the EEPROM.
    public static let eeprom = HeldSemaphores(rawValue: 8)
}

/// How a modelled controller is broken: what a driver has to survive, with every wait ended by an error that says why.
public struct SoftNICFaults: Sendable, Hashable, BitwiseCopyable {
    /// Semaphores that are never free.
    public var heldSemaphores: HeldSemaphores = []
    /// MDIC.READY never comes.
    public var phyIsSilent = false
    /// Every access to the PHY ends with MDIC.MDI_ERR.
    public var phyReportsErrors = false
    /// EERD.DONE never comes.
    public var eepromIsSilent = false
    /// STATUS.GIO_Master_Enable_Status never clears.
    public var mastersStayBusy = false
    /// FDIRCMD.CMD never clears.
    public var flowDirectorIsSilent = false
    /// Receive queues whose ENABLE never becomes 1, a bit each.
    public var neverEnabled: UInt16 = 0
    /// Receive queues whose ENABLE never becomes 0, a bit each.
    public var neverDisabled: UInt16 = 0
    /// Receive queues whose ENABLE takes 30 ms to change, longer than any driver waits, a bit each.
    public var slowlyChanged: UInt16 = 0
    /// From then on the device is gone: reads are all ones, nothing is written to memory, no frame is taken.
    public var unpluggedAt = Instant.never
    /// Then the cable is pulled.
    public var linkLostAt = Instant.never
    /// After so many receive descriptors, counted from power-up, the receiver hangs, in the middle of a frame if need be.
    public var receiveHangsAfter = Int.max
    /// Every so many frames one is reported done without its bytes having been written; 0 is never.
    public var losesDataEvery = 0

    /// A device without faults.
    public init() {}

    /// How long a change of ENABLE of receive queue `queue` takes, where it usually takes `usual`.
    func enableLatency(_ queue: Int, usual: Interval) -> Interval {
        queue < 16 && slowlyChanged &>> UInt16(truncatingIfNeeded: queue) & 1 != 0 ? .milliseconds(30) : usual
    }
}
