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
    /// Bytes of host memory for the rings, header slabs and transmit buffers of the whole configuration.
    var hostBytes: Int { get }
    /// Size in bytes of a slot for queue 0: a power of two.
    var hostSlotBytes: Int { get }

    /// Takes charge of `device`, with nothing else driving it.
    ///
    /// - Parameter slotSize: of the region that the split queues will fill, in bytes.
    init(device: Device, configuration: NICConfiguration, slotSize: Int) throws(DriverError)
    /// Resets the device and sets up everything but queues; returns with the link up.
    mutating func bringUp(wait: (Interval) -> Void) throws(DriverError)
    /// Sets up receive queue `index`, fills it from `pool` and starts it.
    ///
    /// - Parameters:
    ///   - flushWindow: a bus window whose read at offset 0 proves payload writes complete.
    ///   - visibility: of the region behind `pool`.
    func makeReceiveQueue(
        _ index: Int, memory: inout HostMemory, pool: inout PagePool, flushWindow: Device.BusType,
        visibility: Visibility, wait: (Interval) -> Void
    ) throws(DriverError) -> SplitReceiveQueue<ReceiveFormat, Device.BusType>
    /// Sets up the transmit queue.
    func makeTransmitQueue(
        memory: inout HostMemory, wait: (Interval) -> Void
    ) throws(DriverError) -> TransmitQueue<TransmitFormat, Device.BusType>
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
        // 14 bytes of Ethernet and two VLAN tags. A slot takes a whole frame, so that an unsplit one is never chained.
        guard configuration.mtu + 22 <= slotSize else {
            throw .mtuOverSlot(mtu: configuration.mtu, slotSize: slotSize)
        }
        guard configuration.splitQueues >= 1, configuration.splitQueues <= maximumSplitQueues else {
            throw .tooManyQueues(asked: configuration.splitQueues, limit: maximumSplitQueues)
        }
    }

    /// A block of `memory` that starts a page.
    func block(_ memory: inout HostMemory, _ bytes: Int) throws(DriverError) -> HostBlock {
        do {
            return try memory.allocate(bytes: bytes, alignment: 4096)
        } catch {
            throw .memory(error)
        }
    }
}
