internal import DeviceMemory
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
    /// Which frames go to the application without TCP.
    public var frames = FrameSelection.none
    /// Frames taken from one queue before the next has its turn.
    public var burst = 32
    /// NUMA node for host memory; `nil` is where the engine is created.
    public var node: Int?

    /// An engine with the given stack configuration.
    public init(stack: Configuration) { self.stack = stack }
}

/// Errors of this module.
public enum EngineError: Error, CustomStringConvertible {
    case driver(DriverError)
    case cannotSleep(errno: Int32)

    public var description: String {
        switch self {
        case .driver(let error): error.description
        case .cannotSleep(let code):
            "cannot make a line to wake the engine with: \(systemMessage(code)); raise the limit of open files"
        }
    }
}
