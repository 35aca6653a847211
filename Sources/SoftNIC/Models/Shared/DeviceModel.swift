internal import DeviceMemory
internal import Packets
internal import Timeline

/// What ``SoftNIC`` asks of a modelled controller.
///
/// The parts of the core are at hand by their own names. Where two of them take part in one access, say `core.` before them:
/// only stored properties are known to be apart.
protocol DeviceModel: ~Copyable {
    var core: ModelCore { get set }

    /// A register read by the driver.
    mutating func read32(_ address: UInt32) -> UInt32
    /// A register write by the driver.
    mutating func write32(_ address: UInt32, _ value: UInt32)
    /// A frame arrives; false when it is not taken now.
    mutating func arrive(_ frame: ByteView, mark: FrameMark) -> Bool
    /// Does what is due.
    mutating func step(now instant: Instant) -> Bool
    /// When ``step(now:)`` would do something by itself.
    var nextDeadline: Instant { get }
    /// CTRL.RST, or what a function level reset does to the registers.
    mutating func resetDevice()
    /// Mappings changed: what was translated before is not valid any more.
    mutating func forgetTranslations()
    /// LU changed.
    mutating func linkChanged()
}

extension DeviceModel where Self: ~Copyable {
    var behaviour: Behaviour { core.behaviour }
    var trace: Trace { core.trace }
    var maxFrame: Int { core.maxFrame }
    var now: Instant { core.now }

    var configuration: ConfigurationSpace {
        _read { yield core.configuration }
        _modify { yield &core.configuration }
    }
    var registers: RegisterFile {
        _read { yield core.registers }
        _modify { yield &core.registers }
    }
    var iommu: SoftIOMMU {
        _read { yield core.iommu }
        _modify { yield &core.iommu }
    }
    var phy: PHY {
        _read { yield core.phy }
        _modify { yield &core.phy }
    }
    var fifo: ReceiveFIFO {
        _read { yield core.fifo }
        _modify { yield &core.fifo }
    }
    var delayed: DelayedPayload {
        _read { yield core.delayed }
        _modify { yield &core.delayed }
    }
    var posted: PostedBuffers {
        _read { yield core.posted }
        _modify { yield &core.posted }
    }
    var pendingDone: PendingDone {
        _read { yield core.pendingDone }
        _modify { yield &core.pendingDone }
    }
    var outbound: FrameQueue {
        _read { yield core.outbound }
        _modify { yield &core.outbound }
    }

    /// Time passes; it never goes back.
    mutating func advance(to instant: Instant) { core.advance(to: instant) }
    /// Records a driver's error.
    mutating func flag(_ error: DriverErrorKind, _ detail: UInt64 = 0) { core.flag(error, detail) }
    /// Makes all delayed payload visible.
    mutating func drainPayload() { core.drainPayload() }

    /// Takes a mapping back.
    mutating func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        try core.unmap(iova, length: length)
        forgetTranslations()
    }

    /// Writes configuration space; a function level reset may follow from it.
    mutating func writeConfiguration(_ offset: Int, _ value: UInt32) {
        let mastered = core.configuration.mastersBus
        if core.configuration.write(offset, value) { resetFunction() }
        core.vectors.release(isHeld: core.configuration.holdsVectors)
        if core.configuration.mastersBus && !mastered { core.receiveBlocked = false }
    }

    /// A function level reset.
    mutating func resetFunction() {
        core.configuration.reset()
        core.vectors.reset()
        resetDevice()
    }

    /// Reads the window of the MSI-X table.
    func readVectors(_ offset: UInt32) -> UInt32 {
        core.configuration.decodesMemory && core.vectors.count > 0 ? core.vectors.read(offset) : .max
    }

    /// Writes the window of the MSI-X table.
    mutating func writeVectors(_ offset: UInt32, _ value: UInt32) {
        guard core.configuration.decodesMemory else { return }
        core.vectors.write(offset, value, isHeld: core.configuration.holdsVectors)
    }

    /// Plugs the cable in or out.
    mutating func setCable(_ connected: Bool) {
        let had = core.phy.linkUp
        core.phy.setCable(connected, now: core.now)
        if had { linkChanged() }
    }
}
