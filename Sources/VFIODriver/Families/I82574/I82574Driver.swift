public import DeviceMemory
internal import HeaderSplit
internal import NICRegisters
internal import PagePool
public import Rings
public import Timeline

/// Drives an 82574 over any ``PCIDevice``: reset, address, link, two receive queues, transmit, statistics, stop.
///
/// Every wait goes through the `wait` argument, which sleeps on hardware and advances virtual time over a model, and every
/// wait is bounded. One descriptor type and one set of buffer sizes serve both receive queues, and no queue can be stopped by
/// itself: a restart is a reset of the device.
public struct I82574Driver<Device: PCIDevice>: NICDriver, ~Copyable {
    public typealias ReceiveFormat = PacketSplitFormat
    public typealias TransmitFormat = ExtendedTransmitFormat

    /// Frames of up to 9234 bytes with their check sequence, as the family's drivers have it.
    public static var maximumMTU: Int { 9234 - 14 - 4 - 4 }
    /// Packet split puts every payload behind its header.
    public static var keepsSmallFramesWhole: Bool { false }
    public static var maximumSplitQueues: Int { I82574.queueCount - 1 }
    /// Descriptors of a ring, at most: what the family's drivers allow.
    static var maximumDescriptors: Int { 4096 }

    public let device: Device
    let registers: Device.BusType
    var port: Intel8257xPort<Device.BusType> { Intel8257xPort(registers: registers) }
    public let configuration: NICConfiguration
    /// Size of a header buffer in bytes: counted in units of 128, and HLEN has 10 bits.
    public let headerBytes: Int
    var spread: QueueSpread
    public private(set) var macAddress: [UInt8] = []
    private var accumulated = PortStatistics()

    public init(device: Device, configuration: NICConfiguration, slotSize: Int) throws(DriverError) {
        try Self.identify(device, as: .e1000e)
        try Self.check(configuration, slotSize: slotSize)
        let buffer = Self.bufferKiB(mtu: configuration.mtu) << 10
        guard slotSize >= buffer else { throw .slotUnderBuffer(slotSize: slotSize, needed: buffer) }
        let longest = max(configuration.receiveDescriptors, configuration.transmitDescriptors)
        guard longest <= Self.maximumDescriptors else {
            throw .ringTooLong(descriptors: longest, limit: Self.maximumDescriptors)
        }
        guard let registers = device.bar(0) else { throw .noRegisters }
        self.device = device
        self.registers = registers
        self.configuration = configuration
        headerBytes = min(max((configuration.headerBytes ?? 256) + 127 & ~127, 128), 896)
        spread = QueueSpread(splitQueues: configuration.splitQueues)
    }

    /// Meant for a device whose queues run: the receiver is off until the last of them was started.
    public var isIntact: Bool {
        // A reset clears RCTL; a device whose decoding is off, or that is gone, reads all ones.
        let control = registers.read(I82574.rctl)
        return control.rawValue != .max && control[.enable] && control[.descriptorType] == 1
    }

    public var verifiesChecksums: Bool {
        let offloads = registers.read(I82574.rxcsum)
        return offloads[.ipOffload] && offloads[.transportOffload]
    }

    /// PSRCTL.BSIZE1: a frame must never need a second descriptor (QEMU 10.0 ends when a split one does), and the only limits
    /// that the part has for a frame are 1522 bytes and, with LPE, 16 KiB.
    static func bufferKiB(mtu: Int) -> Int { mtu > 1500 ? 16 : 2 }

    /// Resets the device and sets up everything but queues. The receiver stays off until its last queue is there.
    public mutating func bringUp(wait: (Interval) -> Void) throws(DriverError) {
        let command = device.readConfig32(PCIConfig.command)
        device.writeConfig32(
            PCIConfig.command, (command & 0xFFFF) | PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        // The link must not save power: completions get lost (the erratum behind GCR bit 22).
        PCIExpress.prepare(device, alwaysOn: true)
        try reset(wait: wait)
        applyWorkarounds()
        try port.checkNVM(wait: wait)
        macAddress = try port.stationAddress()
        clearFilters()
        setUpFlowControl()
        setUpOffloads()
        setUpHashing()
        setUpSplit()
        _ = statistics()  // read-to-clear counters hold what others left
        accumulated = PortStatistics()
        registers.modify(I82574.ctrlExt) { $0[.driverLoaded] = true }
        try startLink(wait: wait)
    }

    /// Workarounds for errata of the part, as the family's drivers have them.
    private func applyWorkarounds() {
        registers.modify(I82574.ctrl) { $0[.workaround29] = false }
        registers.modify(I82574.ctrlExt) {
            $0[.workaround23] = false
            $0[.workaround22] = true
            // Payload must not be overtaken.
            $0[.relaxedOrderingDisable] = true
        }
        registers.modify(I82574.gcr) {
            $0[.completionFix] = true
            $0[.l1WithoutL0s] = true
        }
        registers.modify(I82574.gcr2) { $0[.completionFix2] = true }
    }

    /// Zeroes the tables whose contents are undefined after power-up.
    private func clearFilters() {
        let groups = configuration.multicastTable
        for i in 0..<128 {
            registers.write(I82574.mta(i), PlainValue(groups[i]))
            registers.write(I82574.vfta(i), PlainValue(0))
        }
        for i in 1..<I82574.receiveAddressCount {
            registers.write(I82574.rah(i), .init())
            registers.write(I82574.ral(i), PlainValue(0))
        }
        registers.write(I82574.wuc, PlainValue(0))
        registers.write(I82574.vet, PlainValue(0x8100))
    }

    /// Pause frames of the other end are recognised by address and type (IEEE 802.3, annex 31B); none are sent: both
    /// thresholds are 0.
    private func setUpFlowControl() {
        registers.write(I82574.fcal, PlainValue(0x00C2_8001))
        registers.write(I82574.fcah, PlainValue(0x0100))
        registers.write(I82574.fct, PlainValue(0x8808))
        registers.write(I82574.fcttv, PlainValue(0))
        registers.write(I82574.fcrtl, PlainValue(0))
        registers.write(I82574.fcrth, PlainValue(0))
    }

    private func setUpOffloads() {
        // PCSD: the descriptor carries the RSS hash, which RSS needs; both checksum engines on.
        registers.write(
            I82574.rxcsum,
            .init().setting(.ipOffload).setting(.transportOffload).setting(.packetChecksumDisable))
        // EXTEN: packet split needs extended status. Nothing but TCP and UDP headers is looked for, so that every port is
        // split alike; fragments stay whole; malformed IPv6 extension headers could hang relatives of this part, and
        // acknowledgements would interrupt although masked (errata).
        registers.write(
            I82574.rfctl,
            .init().setting(.extendedStatus).setting(.iscsiDisable).setting(.nfsWriteDisable)
                .setting(.nfsReadDisable).setting(.ackInterruptDisable).setting(.fragmentSplitDisable)
                .setting(.ipv6ExtensionDisable).setting(.newIPv6ExtensionDisable))
    }

    /// RSS sends TCP to queue 1, over IPv6 by either of two bits, of which QEMU's model knows the first; everything it does not hash goes to queue 0.
    private func setUpHashing() {
        port.writeHashKey(seed: configuration.hashSeed)
        writeSpread()
        registers.write(I82574.mrqc, .init().setting(.mode, 1).setting(.tcpIPv4).setting(.tcpIPv6Ex).setting(.tcpIPv6))
    }

    /// Sizes of both queues' buffers; RCTL latches them with its EN bit.
    private func setUpSplit() {
        registers.write(
            I82574.psrctl,
            .init().setting(.headerBufferSize, UInt32(headerBytes / 128))
                .setting(.bufferSize1, UInt32(Self.bufferKiB(mtu: configuration.mtu))))
    }

    /// Reads the port's read-to-clear counters and adds them up; call it once a second, not once a packet.
    public mutating func statistics() -> PortStatistics {
        // A device that is gone reads all ones, which no counter is.
        if registers.read(I82574.status).rawValue != .max { accumulated.add(from: registers) }
        return accumulated
    }
}
