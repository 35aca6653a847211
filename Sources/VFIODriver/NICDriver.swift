public import DeviceMemory
public import HeaderSplit
public import PagePool
public import Rings
public import Timeline

/// A family of network controllers as the engine drives it: reset, address, link, queues, statistics, stop.
///
/// Every wait goes through a `wait` argument, which sleeps on hardware and advances virtual time over a model, and every
/// wait is bounded. Queue 0 takes everything that is not steered to a split queue, whole, in host memory.
public protocol NICDriver: ~Copyable {
    /// What the registers and the memory of the controller are reached through.
    associatedtype Device: PCIDevice
    /// Layout of its receive descriptors.
    associatedtype ReceiveFormat: SplitDescriptorFormat
    /// Layout of its transmit descriptors.
    associatedtype TransmitFormat: TransmitDescriptorFormat

    /// Largest IP packet that the family stores, in bytes.
    static var maximumMTU: Int { get }
    /// How many queues can split into a region, besides queue 0.
    static var maximumSplitQueues: Int { get }

    /// Whether a frame that fits the header buffer stays in host memory whole, instead of being split.
    static var keepsSmallFramesWhole: Bool { get }
    /// What stopping one receive queue takes.
    static var queueRestart: QueueRestart { get }
    /// How many steering rules the device holds; 0 where it has no filters for them.
    static var ruleCapacity: Int { get }

    /// The device being driven.
    var device: Device { get }
    /// How it is set up.
    var configuration: NICConfiguration { get }
    /// The permanent station address, 6 bytes; empty before ``bringUp(wait:)``.
    var macAddress: [UInt8] { get }
    /// Whether the link is up.
    var isLinkUp: Bool { get }
    /// Link speed in Mbit/s.
    var linkSpeed: Int { get }
    /// Whether the device answers and still has what ``bringUp(wait:)`` and the queues set up: not after a reset by somebody
    /// else. One register read.
    var isIntact: Bool { get }
    /// Size of one host header buffer in bytes.
    var headerBytes: Int { get }
    /// Size of one transmit buffer in bytes.
    var transmitBufferBytes: Int { get }
    /// Size in bytes of a slot for queue 0: a power of two.
    var hostSlotBytes: Int { get }

    /// Takes charge of `device`, with nothing else driving it.
    ///
    /// - Parameter slotSize: of the region that the split queues will fill, in bytes.
    init(device: Device, configuration: NICConfiguration, slotSize: Int) throws(DriverError)
    /// Resets the device and sets up everything but queues; returns with the link up.
    ///
    /// The same driver may do it again, after ``shutDown(wait:)`` or after a reset by somebody else (a function level reset
    /// takes 100 ms: PCI Express 4.0, section 6.6.2). Rules and spread are put back as they were set; queues that were armed
    /// again are started one by one, and interrupts are routed again.
    mutating func bringUp(wait: (Interval) -> Void) throws(DriverError)
    /// Refuses a slot size that a receive queue cannot use.
    ///
    /// - Parameter splits: payload alone goes to the slots, and not whole frames.
    func checkSlots(splits: Bool, slotSize: Int) throws(DriverError)
    /// Arms receive queue `index` in `memory` with slots from `pool`: host side only, no register is touched.
    ///
    /// - Parameters:
    ///   - memory: not in use by another queue, see ``makeQueueMemory(_:)``.
    ///   - splits: payload goes to slots of a region; otherwise whole frames go to readable host memory.
    ///   - flushWindow: a bus window whose read at offset 0 proves payload writes complete.
    ///   - visibility: of the region behind `pool`.
    /// - Throws: when `pool` has too few slots, or slots of a size that the queue cannot use; every slot is back then.
    func prepareReceiveQueue(
        _ index: Int, memory: QueueMemory, splits: Bool, pool: inout PagePool, flushWindow: Device.BusType,
        visibility: Visibility
    ) throws(DriverError) -> SplitReceiveQueue<ReceiveFormat, Device.BusType>
    /// Makes the device leave `queue` alone; what it completed before can still be taken. Returns when that is certain.
    ///
    /// - Throws: ``DriverError/queueDidNotStop(queue:)``, and the queue runs on as if nothing had been asked; or
    ///   ``DriverError/noQueueStop(controller:)`` where only the whole device can be stopped.
    func stopReceiveQueue(
        _ index: Int, _ queue: inout SplitReceiveQueue<ReceiveFormat, Device.BusType>, wait: (Interval) -> Void
    ) throws(DriverError)
    /// Gives an armed queue to the device, which does not use queue `index` now: a new one, or one that was armed again.
    ///
    /// - Throws: ``DriverError/queueDidNotEnable(queue:)`` and ``DriverError/splitNotKept(queue:)``: the device leaves the queue
    ///   alone then, which stays armed. After ``DriverError/queueDidNotStop(queue:)`` the device may use the old memory or the
    ///   new, and only a reset helps.
    func startReceiveQueue(
        _ index: Int, _ queue: inout SplitReceiveQueue<ReceiveFormat, Device.BusType>, wait: (Interval) -> Void
    ) throws(DriverError)
    /// Sets up the transmit queue and starts it.
    func makeTransmitQueue(
        memory: inout HostMemory, wait: (Interval) -> Void
    ) throws(DriverError) -> TransmitQueue<TransmitFormat, Device.BusType>
    /// Gives an armed transmit queue to the device, after a reset too.
    func startTransmitQueue(
        _ queue: inout TransmitQueue<TransmitFormat, Device.BusType>, wait: (Interval) -> Void
    ) throws(DriverError)
    /// Sends frames that match `rule` to `queue`, whatever the spread; a rule that is there already changes its queue.
    ///
    /// - Throws: with nothing changed: no such queue, no filter free, or a device without filters.
    mutating func addRule(_ rule: SteeringRule, queue: Int, wait: (Interval) -> Void) throws(DriverError)
    /// Takes a rule back; false when there is none like it.
    @discardableResult mutating func removeRule(_ rule: SteeringRule, wait: (Interval) -> Void) throws(DriverError)
        -> Bool
    /// Rules that are in force.
    var rules: [SteeringRule] { get }
    /// Spreads what no rule claims over `queues`; over the host's queue 0 alone when there are none.
    ///
    /// - Throws: with nothing changed: a queue that is not there.
    mutating func setSpread(over queues: [Int]) throws(DriverError)
    /// Whether checksum verdicts are on.
    var verifiesChecksums: Bool { get }
    /// Makes every receive queue raise vector 0, masked; after MSI-X was enabled and after ``bringUp(wait:)``.
    func routeInterrupts()
    /// Forgets what was raised so far and lets the next completion raise vector 0, once. What was completed before is not
    /// told: look at the queues afterwards. Returns when the device has seen both.
    func armInterrupts()
    /// Masks everything.
    func maskInterrupts()
    /// Reads the port's own counters and adds them up; call it once a second, not once a packet.
    mutating func statistics() -> PortStatistics
    /// Reads register `register` (0 to 31) of the PHY, whose bus is taken from firmware for it.
    func readPHY(_ register: UInt8, wait: (Interval) -> Void) throws(DriverError) -> UInt16
    /// Stops every queue, waits for descriptors in flight, and resets the device: afterwards it writes nowhere, and posted
    /// slots may be taken back and memory unmapped.
    func shutDown(wait: (Interval) -> Void)
}

extension NICDriver where Self: ~Copyable {
    /// A receive queue of this family.
    public typealias ReceiveQueue = SplitReceiveQueue<ReceiveFormat, Device.BusType>
    /// A transmit queue of this family.
    public typealias TransmitRing = TransmitQueue<TransmitFormat, Device.BusType>

    /// Refuses a function that is not of `family`.
    static func identify(_ device: Device, as family: NICFamily) throws(DriverError) {
        let identity = device.readConfig32(PCIConfig.identity)
        guard NICFamily(identity: identity) == family else {
            throw identity == .max ? .deviceGone(during: "identification") : .wrongDevice(identity: identity)
        }
    }

    /// As descriptor type 5 of the 82576 and its relatives does.
    public static var keepsSmallFramesWhole: Bool { true }
    /// A family whose PHY cannot be read says so.
    public func readPHY(_ register: UInt8, wait: (Interval) -> Void) throws(DriverError) -> UInt16 {
        throw .noPHYAccess
    }

    /// Refuses what no frame buffer or queue of the family can hold.
    static func check(_ configuration: NICConfiguration, slotSize: Int) throws(DriverError) {
        guard configuration.mtu >= 68, configuration.mtu <= maximumMTU else {
            throw .mtuOutOfRange(mtu: configuration.mtu, limit: maximumMTU)
        }
        try checkSlot(slotSize, mtu: configuration.mtu)
        guard configuration.splitQueues >= 1, configuration.splitQueues <= maximumSplitQueues else {
            throw .tooManyQueues(asked: configuration.splitQueues, limit: maximumSplitQueues)
        }
    }
}
