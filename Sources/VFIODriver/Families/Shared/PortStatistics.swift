internal import NICRegisters
internal import DeviceMemory

/// The port's own counters, accumulated from its read-to-clear registers, by the names of the 82576 datasheet.
public struct PortStatistics: Sendable, Hashable {
    /// GPRC: good frames received.
    public var framesReceived: UInt64 = 0
    /// GORC: bytes of good frames received.
    public var bytesReceived: UInt64 = 0
    /// GPTC: good frames sent.
    public var framesSent: UInt64 = 0
    /// GOTC: bytes of good frames sent.
    public var bytesSent: UInt64 = 0
    /// MPC: frames lost because the receive FIFO was full.
    public var missed: UInt64 = 0
    /// RNBC: times a frame found no descriptor.
    public var noBuffer: UInt64 = 0
    /// RQDPC: frames that a queue without free descriptors dropped, all queues together.
    public var queueDrops: UInt64 = 0
    /// CRCERRS: frames with a wrong FCS.
    public var crcErrors: UInt64 = 0
    /// RUC: frames shorter than 64 bytes.
    public var undersize: UInt64 = 0
    /// ROC: frames longer than allowed.
    public var oversize: UInt64 = 0

    /// All zero.
    public init() {}

    /// Adds what the registers of an 82574 or 82576 hold, and clears them.
    mutating func add<B: Bus>(from bus: B) {
        framesReceived &+= UInt64(bus.read(Intel8257x.gprc).rawValue)
        framesSent &+= UInt64(bus.read(Intel8257x.gptc).rawValue)
        missed &+= UInt64(bus.read(Intel8257x.mpc).rawValue)
        noBuffer &+= UInt64(bus.read(Intel8257x.rnbc).rawValue)
        crcErrors &+= UInt64(bus.read(Intel8257x.crcerrs).rawValue)
        undersize &+= UInt64(bus.read(Intel8257x.ruc).rawValue)
        oversize &+= UInt64(bus.read(Intel8257x.roc).rawValue)
        // The low half is read first: reading the high half clears both.
        let received = UInt64(bus.read(Intel8257x.gorcl).rawValue)
        bytesReceived &+= received | UInt64(bus.read(Intel8257x.gorch).rawValue) << 32
        let sent = UInt64(bus.read(Intel8257x.gotcl).rawValue)
        bytesSent &+= sent | UInt64(bus.read(Intel8257x.gotch).rawValue) << 32
    }
}
