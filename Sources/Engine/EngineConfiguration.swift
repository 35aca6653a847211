internal import Packets
public import TCPLite
public import VFIODriver

/// How an engine is set up.
public struct EngineConfiguration: Sendable {
    /// The device.
    public var device = NICConfiguration()
    /// The stack.
    public var stack: Configuration
    /// Secret of the stack: keys initial sequence numbers and the flow table.
    public var secret: (UInt64, UInt64) = (0, 0)
    /// Applications that there may be at once.
    public var applications = 1
    /// Regions that there may be at once, bound ones and those that wait for their last tokens: 1 to 63.
    public var regions = 16
    /// What the slots of the region are made of that all queues are bound to from the start.
    public var memory = BindingMemory.device
    /// Rules for the tokens of application 0, when it is there from the start; `nil` is the defaults, and twice as many tokens
    /// as there are slots.
    public var port: PortConfiguration?
    /// Bytes that one application is delivered before the next has its turn.
    public var deliveryQuantum = 1 << 20
    /// Which frames go to the application without TCP.
    public var frames = FrameSelection.none
    /// Frames taken from one queue before the next has its turn.
    public var burst = 32
    /// NUMA node for host memory; `nil` is where the engine is created.
    public var node: Int?

    /// An engine with the given stack configuration.
    public init(stack: Configuration) {
        self.stack = stack
        device.groups = stack.interface.groups.map { group in
            (0..<6).map { UInt8(truncatingIfNeeded: group.rawValue >> UInt64(40 - 8 * $0)) }
        }
    }
}

/// Errors of this module.
public enum EngineError: Error, CustomStringConvertible {
    case driver(DriverError)
    case stack(TCPError)
    case binding(BindingError)

    public var description: String {
        switch self {
        case .driver(let error): error.description
        case .stack(let error): error.description
        case .binding(let error): error.description
        }
    }
}
