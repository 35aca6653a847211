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

// Inlined, because an accessor that is not specialised reaches the core through a coroutine that allocates (seen under
// callgrind: one malloc a segment).
extension DeviceModel where Self: ~Copyable {
    @inline(__always) var behaviour: Behaviour { core.behaviour }
    @inline(__always) var trace: Trace { core.trace }
    @inline(__always) var maxFrame: Int { core.maxFrame }
    @inline(__always) var now: Instant { core.now }

    var configuration: ConfigurationSpace {
        @inline(__always) _read { yield core.configuration }
        @inline(__always) _modify { yield &core.configuration }
    }
    var registers: RegisterFile {
        @inline(__always) _read { yield core.registers }
        @inline(__always) _modify { yield &core.registers }
    }
    var iommu: SoftIOMMU {
        @inline(__always) _read { yield core.iommu }
        @inline(__always) _modify { yield &core.iommu }
    }
    var phy: PHY {
        @inline(__always) _read { yield core.phy }
        @inline(__always) _modify { yield &core.phy }
    }
    var fifo: ReceiveFIFO {
        @inline(__always) _read { yield core.fifo }
        @inline(__always) _modify { yield &core.fifo }
    }
    var delayed: DelayedPayload {
        @inline(__always) _read { yield core.delayed }
        @inline(__always) _modify { yield &core.delayed }
    }
    var posted: PostedBuffers {
        @inline(__always) _read { yield core.posted }
        @inline(__always) _modify { yield &core.posted }
    }
    var pendingDone: PendingDone {
        @inline(__always) _read { yield core.pendingDone }
        @inline(__always) _modify { yield &core.pendingDone }
    }
    var outbound: FrameQueue {
        @inline(__always) _read { yield core.outbound }
        @inline(__always) _modify { yield &core.outbound }
    }

    /// Time passes; it never goes back.
    @inline(__always) mutating func advance(to instant: Instant) { core.advance(to: instant) }
    /// Records a driver's error.
    @inline(__always) mutating func flag(_ error: DriverErrorKind, _ detail: UInt64 = 0) { core.flag(error, detail) }
    /// Makes all delayed payload visible.
    @inline(__always) mutating func drainPayload() { core.drainPayload() }

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
