public import DeviceMemory
public import Packets
public import Timeline

/// A network controller in software, down to its registers: one of Intel's, by ``SoftNICModel``.
///
/// It has no clock, thread or randomness of its own: the same calls with the same seed do the same, bit for bit. Register
/// accesses take effect at once, but DMA happens in ``step(now:)`` only, as a device is never synchronous with its driver.
/// One thread at a time may use a model and what was made from it.
@safe public final class SoftNIC {
    let model: Personality

    /// The byte that fills payload buffers which are posted but not yet written (``Behaviour/poisonsBuffers``).
    public static let poison: UInt8 = 0xD9

    /// Makes a device that was just powered up: link down, memory and bus master decoding off.
    public init(configuration: SoftNICConfiguration, trace: Trace = .disabled) {
        model = Personality(configuration, trace: trace)
    }

    deinit { model.end() }

    // MARK: bus

    /// The time at which register accesses happen; whoever steps the model sets it. Never goes back.
    public var now: Instant {
        get { model.now }
        set { model.advance(to: newValue) }
    }

    /// Reads 32 bits of configuration space at byte `offset`.
    public func readConfig32(_ offset: Int) -> UInt32 { model.readConfiguration(offset) }

    /// Writes 32 bits of configuration space at byte `offset`.
    public func writeConfig32(_ offset: Int, _ value: UInt32) { model.writeConfiguration(offset, value) }

    /// Reads 32 bits of BAR `bar`: 0 has the registers, 3 (82599: 4) the MSI-X table, others read all ones.
    public func read32(bar: Int, offset: UInt32) -> UInt32 {
        switch bar {
        case 0: model.read32(offset)
        case model.vectorWindow: model.readVectors(offset)
        default: .max
        }
    }

    /// Writes 32 bits of BAR `bar`; writes to others vanish.
    public func write32(bar: Int, offset: UInt32, _ value: UInt32) {
        switch bar {
        case 0: model.write32(offset, value)
        case model.vectorWindow: model.writeVectors(offset, value)
        default: break
        }
    }

    /// Interrupt messages that left since the last call: bit n is vector n. MSI is vector 0; there is no interrupt line.
    public func takeInterrupts() -> UInt64 { model.takeInterrupts() }

    /// The base address register of the MSI-X table.
    var vectorWindow: Int { model.vectorWindow }

    /// Resets the function: registers as after power-up, decoding off, nothing posted.
    public func reset() { model.resetFunction() }

    /// How the device is broken; what is changed here holds from the next register access or step on.
    public var defects: SoftNICFaults {
        get { model.defects }
        set { model.setDefects(newValue) }
    }

    // MARK: memory

    /// Makes memory reachable for the device's DMA.
    ///
    /// - Parameter isRegion: payload memory of a peer device, whose writes ``SoftNICConfiguration/payloadDelay`` delays.
    public func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights, isRegion: Bool
    ) throws(DeviceMemoryError) -> IOVA {
        try model.map(
            object, offset: offset, length: length, rights: rights, isRegion: isRegion)
    }

    /// Takes a mapping back: writes on their way land, later ones fault.
    public func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        try model.unmap(iova, length: length)
    }

    /// Device accesses that were refused.
    public var iommuFaultCount: UInt64 { model.faultCount }

    /// The first of them.
    public var faults: [IOMMUFault] { model.faults }

    /// Makes all delayed payload visible: what a read of the region's flush page does.
    public func drainPayload() { model.drainPayload() }

    // MARK: wire

    /// A frame, without check sequence, arrives from the wire; `mark` asks for a checksum verdict.
    ///
    /// False means not taken now: the link is down, or (``Behaviour``) the receiver is off or the FIFO full. The caller may
    /// keep the frame and try again.
    public func receive(_ frame: ByteView, mark: FrameMark = .none) -> Bool {
        model.arrive(frame, mark: mark)
    }

    /// The oldest frame that left, valid until it is popped.
    public func nextTransmitted() -> ByteView? {
        model.nextTransmitted()
    }

    /// Removes the oldest frame that left, if there is one.
    public func popTransmitted() {
        model.popTransmitted()
    }

    /// Plugs the cable in or out; it is in at the start.
    public func setCable(_ connected: Bool) { model.setCable(connected) }

    // MARK: time

    /// Does all work that is due at `now`: posted tails, DMA, delayed payload, link timers. True if anything happened.
    public func step(now: Instant) -> Bool { model.step(now: now) }

    /// When ``step(now:)`` has something to do by itself; ``Timeline/Instant/never`` when it waits for driver or wire.
    public var nextDeadline: Instant { model.nextDeadline }

    /// What the driver did wrong so far.
    public var flags: DriverErrors { model.errors }
}
