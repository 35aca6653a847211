public import Timeline

/// Which controller is modelled.
public enum SoftNICModel: Sendable, Hashable, CaseIterable {
    /// Intel 82576, whose driver is igb.
    case i82576
    /// Intel 82574, whose driver is e1000e.
    case i82574
    /// Intel 82599, whose driver is ixgbe.
    case i82599
}

/// Which device the model is to be like.
public enum SoftNICPreset: Sendable, Hashable, CaseIterable {
    /// QEMU 10's model of the same controller.
    case qemu
    /// The documented silicon, with checks on the driver.
    case strict
}

/// When payload becomes visible in a device region, relative to the done bit of its descriptor.
public enum PayloadDelay: Sendable, Hashable {
    /// At once, before the done bit: what one coherent memory would do.
    case off
    /// Later by a random time between the two, or at a read of the region's flush page if that comes first.
    case between(Interval, Interval)
}

/// How a ``SoftNIC`` is made.
public struct SoftNICConfiguration: Sendable, Hashable {
    /// The controller.
    public var model: SoftNICModel
    /// The knobs, one by one.
    public var behaviour: Behaviour
    /// The permanent address, 6 bytes; missing ones are 0.
    public var macAddress: [UInt8]
    /// Seed of every random choice of the model.
    public var seed: UInt64
    /// Frames that the receive FIFO holds.
    public var receiveFIFODepth = 256
    /// Frames that wait to leave.
    public var transmitDepth = 256
    /// Longest frame in bytes, without check sequence: 9728 on the wire with it.
    public var maxFrame = 9724
    /// When payload in device regions becomes visible.
    public var payloadDelay = PayloadDelay.between(.microseconds(1), .microseconds(20))
    /// From a restart of auto-negotiation to the link.
    public var negotiationTime = Interval.milliseconds(500)

    /// What the device has.
    public var capabilities: SoftNICCapabilities
    /// How it is broken.
    public var faults = SoftNICFaults()

    /// The defaults above with the knobs of `preset`.
    public init(
        model: SoftNICModel = .i82576, preset: SoftNICPreset,
        macAddress: [UInt8] = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56], seed: UInt64 = 1
    ) {
        self.model = model
        behaviour = Behaviour(preset)
        capabilities = SoftNICCapabilities(model, preset)
        self.macAddress = macAddress
        self.seed = seed
    }
}
