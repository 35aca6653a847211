public import DeviceMemory
internal import HeaderSplit
public import Logging
public import Timeline

/// One statement about a device, and whether it held.
public struct SelfTestCheck: Codable, Sendable, Equatable {
    /// What was tried.
    public let name: String
    /// Whether it held.
    public let ok: Bool
    /// What should have been seen.
    public let expected: String
    /// What was seen.
    public let seen: String

    /// Names every field.
    public init(name: String, ok: Bool, expected: String, seen: String) {
        self.name = name
        self.ok = ok
        self.expected = expected
        self.seen = seen
    }
}

/// What a self-test found.
public struct SelfTestOutcome: Sendable {
    /// In the order in which they were made.
    public var checks: [SelfTestCheck] = []
    /// Every frame that was sent, for a report.
    public var vectors: [FrameVector] = []
    /// The port's station address, 6 bytes.
    public var macAddress: [UInt8] = []
}

/// How a self-test is to be made.
public struct SelfTestPlan: Sendable {
    /// The port's set-up.
    public var configuration: NICConfiguration
    /// Take the region away from the device on purpose, and expect that payload does not arrive.
    public var unmapsRegion = false

    /// The self-test's usual set-up: short rings, so that all of them are used.
    public init(queues: Int, mtu: Int, seed: UInt64) {
        configuration = NICConfiguration()
        configuration.splitQueues = queues
        configuration.receiveDescriptors = 16
        configuration.transmitDescriptors = 16
        configuration.mtu = mtu
        configuration.hashSeed = seed
    }

    /// Bytes of a region that serves the plan's rings from slots of `slotSize` bytes.
    public func regionBytes(slotSize: Int) -> Int {
        (configuration.splitQueues * configuration.receiveDescriptors + 32) * slotSize
    }
}

/// Sends frames through a device to itself, or from a peer to it, and compares what came with what must come.
///
/// Without a peer the transmitter feeds the port's own receiver, so that one device suffices. All waits are bounded.
public enum SelfTest {
    /// What fills the region before each frame: the NIC's write must replace it.
    public static let canary: UInt8 = 0xC5

    /// Runs all checks on `device`, which is shut down afterwards.
    ///
    /// - Parameters:
    ///   - recorder: keeps the register accesses of the bring-up.
    ///   - flushWindow: a window whose read at offset 0 proves that payload has reached the region.
    ///   - sender: sends the frames from the other end of the cable, and stays up; `nil` puts the port into MAC loopback.
    public static func run<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type, on device: Driver.Device, plan: SelfTestPlan, region: borrowing DeviceRegion,
        flushWindow: Driver.Device.BusType, sender: (any FrameSender)? = nil, recorder: RegisterRecorder,
        log: Logger, wait: @escaping (Interval) -> Void
    ) throws(DriverError) -> SelfTestOutcome {
        let bench = try LoopbackBench<Driver>.make(
            device, configuration: plan.configuration, region: region, flushWindow: flushWindow, sender: sender,
            recorder: recorder, log: log, wait: wait)
        var run = SelfTestRun<Driver>(bench, plan)
        do {
            if plan.unmapsRegion {
                try run.withoutRegion(region.slotBytes)
            } else {
                try run.everything()
            }
        } catch {
            _ = run.end()
            throw error
        }
        return run.end()
    }

    /// Sends the frames of a report again, and nothing else.
    public static func repeating<Driver: NICDriver & ~Copyable>(
        _ frames: [LoopbackFrame], _ driver: Driver.Type, on device: Driver.Device, plan: SelfTestPlan,
        region: borrowing DeviceRegion, flushWindow: Driver.Device.BusType, log: Logger,
        wait: @escaping (Interval) -> Void
    ) throws(DriverError) -> [FrameVector] {
        var bench = try LoopbackBench<Driver>.make(
            device, configuration: plan.configuration, region: region, flushWindow: flushWindow, sender: nil,
            recorder: RegisterRecorder(), log: log, wait: wait)
        var vectors: [FrameVector] = []
        do {
            for frame in frames { vectors.append(FrameVector(frame, try bench.exchange(frame))) }
        } catch {
            _ = bench.shutDown()
            throw error
        }
        _ = bench.shutDown()
        return vectors
    }
}
