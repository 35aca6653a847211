public import DeviceMemory
internal import HeaderSplit
public import Logging
internal import Rings
public import Timeline

/// Who sends a self-test's frames, at the other end of the cable of the port that is tested.
public protocol FrameSender: AnyObject {
    /// The station address that the frames come from, 6 bytes.
    var macAddress: [UInt8] { get }
    /// Whether the sender's end of the cable has a link.
    var isLinkUp: Bool { get }
    /// Sends one frame, without check sequence; false when there is no room for it.
    func send(_ frame: ByteView, _ offload: TransmitOffload?) -> Bool
    /// Stops the port, which sends nothing afterwards. Must be called before the sender is given up.
    func shutDown()
}

/// A port of which only the transmitter is used.
public final class SendingPort<Driver: NICDriver & ~Copyable>: FrameSender {
    private var driver: Driver
    private var queue: Driver.TransmitRing
    private let memory: HostMemory
    private let wait: (Interval) -> Void

    /// Brings `device` up, and shuts it down again where a step fails.
    ///
    /// - Parameter slotSize: of the tested port's region, in bytes: what a frame must fit.
    public static func make(
        _ device: Driver.Device, configuration: NICConfiguration, slotSize: Int, log: Logger,
        wait: @escaping (Interval) -> Void
    ) throws(DriverError) -> SendingPort {
        var driver = try Driver(device: device, configuration: configuration, slotSize: slotSize)
        do throws(DriverError) {
            try driver.bringUp(wait: wait)
            var memory: HostMemory
            do throws(DeviceMemoryError) {
                memory = try device.hostMemory(name: "transmit", size: driver.hostBytes, node: nil, log: log)
            } catch {
                throw .memory(error)
            }
            let queue = try driver.makeTransmitQueue(memory: &memory, wait: wait)
            return SendingPort(driver, queue, memory, wait)
        } catch {
            driver.shutDown(wait: wait)
            throw error
        }
    }

    private init(
        _ driver: consuming Driver, _ queue: consuming Driver.TransmitRing, _ memory: consuming HostMemory,
        _ wait: @escaping (Interval) -> Void
    ) {
        self.driver = driver
        self.queue = queue
        self.memory = memory
        self.wait = wait
    }

    public var macAddress: [UInt8] { driver.macAddress }

    public var isLinkUp: Bool { driver.isLinkUp }

    public func send(_ frame: ByteView, _ offload: TransmitOffload?) -> Bool {
        queue.reclaim()
        guard queue.send(frame, offload) else { return false }
        queue.flush()
        return true
    }

    public func shutDown() { driver.shutDown(wait: wait) }
}
