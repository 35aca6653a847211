public import DeviceMemory

/// A window on a ``SoftNIC``; does not own it: the NIC must outlive every bus made from it.
@safe public struct SoftBus: Bus, @unchecked Sendable {
    /// What the window shows.
    public enum Window: Sendable {
        /// BAR 0.
        case registers
        /// The MSI-X table and its pending bits.
        case vectors
        /// The flush page of the device region: a read of any offset makes delayed payload visible.
        case flushPage
    }

    private let model: Personality
    private let window: Window

    /// A window on `nic`.
    public init(_ nic: SoftNIC, _ window: Window) {
        model = nic.model
        self.window = window
    }

    public func read32(_ offset: UInt32) -> UInt32 {
        switch window {
        case .registers: return model.read32(offset)
        case .vectors: return model.readVectors(offset)
        case .flushPage:
            model.drainPayload()
            return 0
        }
    }

    public func write32(_ offset: UInt32, _ value: UInt32) {
        switch window {
        case .registers: model.write32(offset, value)
        case .vectors: model.writeVectors(offset, value)
        case .flushPage: break
        }
    }
}
