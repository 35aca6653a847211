internal import DeviceMemory
/// Settings of the receive side that bindings rely on: they can be changed only while none does.
///
/// They say whether a queue may be bound, not what a bound queue does: that splits, from the first byte on and with
/// verdicts, or its binding is refused. None of the controllers here has a threshold of its own.
public struct ReceiveKnobs: Sendable, Hashable {
    /// Whether headers are split from payload.
    public internal(set) var headerSplit = true
    /// Payload shorter than this stays in host memory with its header.
    public internal(set) var splitThreshold = 0
    /// Whether the device checks checksums.
    public internal(set) var checksums = true
    /// Split queues in use: 1 to this.
    public internal(set) var queues: Int

    init(queues: Int) { self.queues = queues }
}

/// One change of a setting.
public enum KnobChange: Sendable, Hashable {
    /// Header split on or off.
    case headerSplit(Bool)
    /// Threshold in bytes.
    case splitThreshold(Int)
    /// Checksum verdicts on or off.
    case checksums(Bool)
    /// Number of split queues.
    case queues(Int)

    var name: String {
        switch self {
        case .headerSplit: "header split"
        case .splitThreshold: "the split threshold"
        case .checksums: "checksum verdicts"
        case .queues: "the number of queues"
        }
    }
}

extension Engine where Driver: ~Copyable {
    /// The settings that bindings rely on.
    public var receiveKnobs: ReceiveKnobs { knobs }

    /// Changes a setting, unless a binding relies on it: a queue that is bound cannot be removed, and what is bound must split,
    /// from the first byte on, with checksums.
    public mutating func set(_ change: KnobChange) throws(BindingError) {
        for place in 1..<regions.count where regions[place].state == .active {
            switch change {
            case .headerSplit(true), .checksums(true), .splitThreshold(0): continue
            case .queues(let count):
                guard count < (queuesOf(place).max() ?? 0) else { continue }
            default: break
            }
            throw .locked(knob: change.name, binding: UInt16(place))
        }
        switch change {
        case .headerSplit(let isOn): knobs.headerSplit = isOn
        case .splitThreshold(let bytes): knobs.splitThreshold = max(bytes, 0)
        case .checksums(let isOn): knobs.checksums = isOn
        case .queues(let count):
            guard count >= 1, count < queues.count else { throw .noSuchQueue(queue: count, limit: queues.count - 1) }
            knobs.queues = count
        }
    }
}
