public import DeviceMemory
internal import HeaderSplit
internal import NICRegisters
internal import PagePool
public import Rings
public import Timeline

/// Drives an 82576 over any ``PCIDevice``: reset, address, link, queues, statistics, stop.
///
/// Interrupts stay masked but for a sleeper's. Every wait goes through the `wait` argument, which sleeps on hardware and advances
/// virtual time over a model, and every wait is bounded. Section numbers are those of the 82576 datasheet.
public struct I82576Driver<Device: PCIDevice>: NICDriver, ~Copyable {
    public typealias ReceiveFormat = AdvancedSplitFormat
    public typealias TransmitFormat = AdvancedTransmitFormat

    /// The 82576 stores frames of up to 9.5 KiB (82575 manual).
    public static var maximumMTU: Int { 9728 - 14 - 8 - 4 }
    public static var maximumSplitQueues: Int { I82576.queueCount - 1 }

    public let device: Device
    let registers: Device.BusType
    var port: Intel8257xPort<Device.BusType> { Intel8257xPort(registers: registers) }
    public let configuration: NICConfiguration
    /// Size of a host header buffer: a multiple of 64, at most 960 (QEMU decodes 4 of the 6 bits). 192 holds the longest
    /// Ethernet, VLAN, IPv4 and TCP header.
    public let headerBytes: Int
    var table = SteeringTable(capacity: I82576.fiveTupleCount)
    var spread: QueueSpread
    public private(set) var macAddress: [UInt8] = []
    private var accumulated = PortStatistics()

    public init(device: Device, configuration: NICConfiguration, slotSize: Int) throws(DriverError) {
        try Self.identify(device, as: .igb)
        try Self.check(configuration, slotSize: slotSize)
        guard let registers = device.bar(0) else { throw .noRegisters }
        self.device = device
        self.registers = registers
        self.configuration = configuration
        headerBytes = configuration.headerBytes ?? 192
        spread = QueueSpread(splitQueues: configuration.splitQueues)
    }

    public var isIntact: Bool {
        // A reset clears RCTL; a device whose decoding is off, or that is gone, reads all ones.
        let control = registers.read(I82576.rctl)
        return control.rawValue != .max && control[.enable] && control[.stripCRC]
    }

    public var verifiesChecksums: Bool {
        let offloads = registers.read(I82576.rxcsum)
        return offloads[.ipOffload] && offloads[.transportOffload]
    }

    /// Resets the device and sets up everything but queues (4.5, initialisation sequence).
    public mutating func bringUp(wait: (Interval) -> Void) throws(DriverError) {
        let command = device.readConfig32(PCIConfig.command)
        device.writeConfig32(
            PCIConfig.command, (command & 0xFFFF) | PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        try reset(wait: wait)
        clearFilters()
        macAddress = try port.stationAddress()
        setUpReceiveFilter()
        setUpOffloads()
        setUpHashing()
        setUpTransmit()
        _ = statistics()  // read-to-clear counters hold what others left
        accumulated = PortStatistics()
        try startLink(wait: wait)
    }

    /// Resets the function and masks its interrupts (4.2.1.6.1, software reset).
    private func reset(wait: (Interval) -> Void) throws(DriverError) {
        try port.stopMasters(wait: wait)
        maskInterrupts()
        registers.write(I82576.rctl, .init())
        registers.write(I82576.tctl, .init().setting(.padShortPackets))
        _ = registers.read(I82576.status)
        wait(.milliseconds(10))
        registers.modify(I82576.ctrl) { $0[.reset] = true }
        // No access for 1 us after RST; 10 ms cover the NVM's automatic read, which QEMU's model never reports.
        wait(.milliseconds(1))
        for _ in 0..<10 where !registers.read(I82576.eecd)[.autoReadDone] { wait(.milliseconds(1)) }
        if registers.read(I82576.status).rawValue == .max { throw .deviceGone(during: "reset") }
        maskInterrupts()
        _ = registers.read(I82576.icr)
    }

    /// Zeroes the tables whose contents are undefined after power-up.
    private func clearFilters() {
        let groups = configuration.multicastTable
        for i in 0..<128 {
            registers.write(I82576.mta(i), PlainValue(groups[i]))
            registers.write(I82576.vfta(i), PlainValue(0))
            registers.write(I82576.uta(i), PlainValue(0))
        }
        for i in 1..<I82576.receiveAddressCount {
            registers.write(I82576.rah(i), .init())
            registers.write(I82576.ral(i), PlainValue(0))
        }
        writeRules()
        registers.write(I82576.wuc, PlainValue(0))
        registers.write(I82576.vet, PlainValue(0x8100_8100))
        registers.modify(I82576.ctrlExt) { $0[.driverLoaded] = true }
    }

    private func setUpReceiveFilter() {
        registers.write(I82576.rlpml, PlainValue(UInt32(configuration.mtu + 14 + 8 + 4)))
        // CRC stripped: with it kept, 4 more bytes would land in slots. Frames above 1522 bytes need LPE.
        registers.write(
            I82576.rctl,
            .init().setting(.enable).setting(.broadcastAccept).setting(.stripCRC).setting(.longPackets))
    }

    private func setUpOffloads() {
        // PCSD: the descriptor carries the RSS hash, which RSS needs (7.1.2.8); both checksum engines on.
        registers.write(
            I82576.rxcsum,
            .init().setting(.ipOffload).setting(.transportOffload).setting(.packetChecksumDisable))
        // Port 2049 stays plain TCP, so that it is split like everything else (82575 manual, PSRTYPE conditions).
        // What extension headers of IPv6 hide is not looked for (an erratum that the family's drivers avoid).
        registers.write(
            I82576.rfctl,
            .init().setting(.nfsWriteDisable).setting(.nfsReadDisable).setting(.ipv6ExtensionDisable))
    }

    /// RSS spreads TCP to split queues, over IPv6 by either of two bits, of which QEMU's model knows the second; everything it does not hash goes to queue 0.
    private func setUpHashing() {
        port.writeHashKey(seed: configuration.hashSeed)
        writeSpread()
        var mode = I82576.MultipleQueues().setting(.mode, 2).setting(.tcpIPv4).setting(.tcpIPv6)
            .setting(.tcpIPv6Ex)
        if configuration.split != .tcp { mode[.udpIPv4] = true }
        if configuration.split == .ipv4 { mode[.ipv4] = true }
        registers.write(I82576.mrqc, mode)
    }

    private func setUpTransmit() {
        registers.modify(I82576.tctl) {
            $0[.enable] = true
            $0[.padShortPackets] = true
        }
    }

    /// Reads the port's read-to-clear counters and adds them up; call it once a second, not once a packet.
    public mutating func statistics() -> PortStatistics {
        // A device that is gone reads all ones, which no counter is.
        if registers.read(I82576.status).rawValue == .max { return accumulated }
        accumulated.add(from: registers)
        for queue in 0...configuration.splitQueues {
            accumulated.queueDrops &+= UInt64(registers.read(I82576.rqdpc(queue)).rawValue)
        }
        return accumulated
    }
}
