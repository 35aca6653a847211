internal import DeviceMemory
public import Logging
internal import Timeline
internal import VFIODriver

/// What two ports found that tested each other, as it is printed.
public struct PeerTestResult: Codable, Sendable {
    /// Whether every check held in both directions.
    public var ok = false
    /// Each direction, named by the port that received.
    public var directions: [SelfTestResult] = []
}

extension SelfTestSession {
    /// Tests two ports that a cable joins: the frames of each come from the other.
    ///
    /// Models are joined by this program; between PCI functions the cable has to be there.
    ///
    /// - Parameter fitsQueues: use fewer queues than `options` has where a family has fewer.
    public static func run(
        _ options: DeviceOptions, peer: DeviceName, fitsQueues: Bool, log: Logger
    ) throws(SessionError) -> PeerTestResult {
        guard options.name.isFunction == peer.isFunction else {
            throw SessionError(
                "no cable joins \(options.name) and \(peer); name two models, or two PCI functions that a cable joins")
        }
        guard !peer.isFunction || options.name != peer else {
            throw SessionError("\(peer) cannot be its own peer; name the function at the other end of the cable")
        }
        let plan = options.selfTest
        var first = options
        first.regionBytes = plan.regionBytes(slotSize: options.slotSize)
        var second = first
        second.name = peer
        return try first.withDevice(
            log: log, FirstPort(peer: second, test: PeerTest(plan: plan, fitsQueues: fitsQueues, log: log)))
    }
}

extension DeviceName {
    fileprivate var isFunction: Bool {
        if case .pci = self { true } else { false }
    }
}

/// A port of the pair.
struct TestPort<Device: RunDevice> {
    let device: Device
    let name: DeviceName
    let family: NICFamily
    let findings: () -> [String]

    init(_ device: Device, _ opened: borrowing OpenedDevice) {
        self.device = device
        name = opened.name
        family = opened.family
        findings = opened.findings
    }
}

struct FirstPort: DeviceUser {
    let peer: DeviceOptions
    let test: PeerTest

    func use<Device: RunDevice>(
        _ device: Device, _ opened: inout OpenedDevice
    ) throws(SessionError) -> PeerTestResult {
        let user = SecondPort(
            first: TestPort(device, opened), region: try opened.takeRegion(), cableEnd: try opened.cableEnd(),
            test: test)
        return try peer.withDevice(log: test.log, macAddress: SessionPlan.peerMACAddress, user)
    }
}

struct SecondPort<First: RunDevice>: DeviceUser, ~Copyable {
    let first: TestPort<First>
    let region: DeviceRegion
    let cableEnd: (any TestCableEnd)?
    let test: PeerTest

    consuming func use<Device: RunDevice>(
        _ device: Device, _ opened: inout OpenedDevice
    ) throws(SessionError) -> PeerTestResult {
        let second = TestPort(device, opened)
        var cable: TestCable?
        if let cableEnd, let end = try opened.cableEnd() { cable = TestCable(first: cableEnd, second: end) }
        var result = PeerTestResult()
        let test = test
        let first = first
        result.directions.append(try test.run(from: first, to: second, opened.takeRegion(), cable))
        result.directions.append(try test.run(from: second, to: first, region, cable))
        result.ok = result.directions.allSatisfy { $0.ok }
        return result
    }
}

/// How the directions are tested.
struct PeerTest {
    let plan: SelfTestPlan
    let fitsQueues: Bool
    let log: Logger

    /// One direction; both ports are shut down afterwards.
    func run<Sender: RunDevice, Receiver: RunDevice>(
        from sender: TestPort<Sender>, to receiver: TestPort<Receiver>, _ region: consuming DeviceRegion,
        _ cable: TestCable?
    ) throws(SessionError) -> SelfTestResult {
        let wait: (Interval) -> Void = { interval in
            sender.device.wait(interval)
            cable?.pass()
            receiver.device.wait(interval)
        }
        var sending = plan.configuration
        // The sender's receive queues stay unused.
        sending.splitQueues = 1
        let source = try sender.family.withDriver(
            SenderMaker(
                device: sender.device, configuration: sending, slotSize: region.slotSize, log: log, wait: wait))
        defer { source.shutDown() }
        let recorder = RegisterRecorder()
        let found = try receiver.family.withDriver(
            SelfTestDriver(
                device: receiver.device, region: region,
                plan: fitsQueues ? plan.fitting(receiver.family) : plan, sender: source, recorder: recorder, log: log,
                wait: wait))
        var result = SelfTestResult(receiver.name, found.outcome)
        result.sender = sender.name.description
        result.addFaults(sender.findings() + receiver.findings())
        return result
    }
}

struct SenderMaker<Device: RunDevice>: DriverUser {
    let device: Device
    let configuration: NICConfiguration
    let slotSize: Int
    let log: Logger
    let wait: (Interval) -> Void

    func use<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type
    ) throws(SessionError) -> any FrameSender where Driver.Device == Device {
        do {
            return try SendingPort<Driver>.make(
                device, configuration: configuration, slotSize: slotSize, log: log, wait: wait)
        } catch {
            throw SessionError(error)
        }
    }
}
