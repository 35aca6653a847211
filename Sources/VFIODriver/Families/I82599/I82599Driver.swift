public import DeviceMemory
internal import NICRegisters
public import Rings
public import Timeline

/// Drives an 82599 (and, as far as their registers are the same, X540 and X550) over any ``PCIDevice``.
///
/// Written after public drivers of the family, because the datasheet was not at hand, and never tried on silicon: see
/// hw-notes/82599.md.
public struct I82599Driver<Device: PCIDevice>: NICDriver, ~Copyable {
    public typealias ReceiveFormat = TenGigabitSplitFormat
    public typealias TransmitFormat = AdvancedTransmitFormat

    /// Frames of up to 9728 bytes with their check sequence, as public drivers have it.
    public static var maximumMTU: Int { 9728 - 14 - 8 - 4 }
    /// RSS without pools reaches 16 queues.
    public static var maximumSplitQueues: Int { I82599.hashQueueCount - 1 }

    public let device: Device
    let registers: Device.BusType
    public let configuration: NICConfiguration
    /// Size of a host header buffer: a multiple of 64, from 128 on, and under 1024, which HDR_LEN cannot say.
    public let headerBytes: Int
    var table = SteeringTable(capacity: I82599.fiveTupleCount)
    var spread: QueueSpread
    public private(set) var macAddress: [UInt8] = []
    private var accumulated = PortStatistics()

    public init(device: Device, configuration: NICConfiguration, slotSize: Int) throws(DriverError) {
        try Self.identify(device, as: .ixgbe)
        try Self.check(configuration, slotSize: slotSize)
        guard let registers = device.bar(0) else { throw .noRegisters }
        self.device = device
        self.registers = registers
        self.configuration = configuration
        headerBytes = min(max((configuration.headerBytes ?? 192) + 63 & ~63, 128), 960)
        spread = QueueSpread(splitQueues: configuration.splitQueues)
    }

    public var isIntact: Bool {
        let control = registers.read(I82599.rxctrl)
        return control.rawValue != .max && control[.enable]
    }

    /// No register turns verdicts on or off: they are always there.
    public var verifiesChecksums: Bool { true }

    public var isLinkUp: Bool { registers.read(I82599.links)[.up] }

    public var linkSpeed: Int {
        switch registers.read(I82599.links)[.speed] {
        case 3: 10_000
        case 2: 1000
        default: 100
        }
    }

    /// Resets the device and sets up everything but queues.
    public mutating func bringUp(wait: (Interval) -> Void) throws(DriverError) {
        let command = device.readConfig32(PCIConfig.command)
        device.writeConfig32(
            PCIConfig.command, (command & 0xFFFF) | PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        PCIExpress.prepare(device, alwaysOn: false)
        try reset(wait: wait)
        clearFilters()
        macAddress = try stationAddress()
        setUpReceive()
        setUpHashing()
        setUpTransmit()
        _ = statistics()  // read-to-clear counters hold what others left
        accumulated = PortStatistics()
        registers.modify(I82599.autoc) { $0[.restart] = true }
        try poll(.seconds(5), step: .milliseconds(10), wait: wait, orElse: .linkDown(waitedMilliseconds: 5000)) {
            isLinkUp
        }
        try enableReceiver(wait: wait)
    }

    /// Quiets the device, then resets it.
    private func reset(wait: (Interval) -> Void) throws(DriverError) {
        maskInterrupts()
        registers.write(I82599.rxctrl, .init())
        for queue in 0..<I82599.hashQueueCount {
            registers.write(I82599.txdctl(queue), .init().setting(.flush))
            registers.write(I82599.rxdctl(queue), .init().setting(.flush))
        }
        _ = registers.read(I82599.status)
        wait(.milliseconds(2))
        registers.modify(I82599.ctrl) { $0[.masterDisable] = true }
        if registers.read(I82599.status).rawValue == .max { throw .deviceGone(during: "reset") }
        try poll(.milliseconds(80), step: .milliseconds(1), wait: wait, orElse: .mastersStillBusy) {
            !registers.read(I82599.status)[.masterEnabled]
        }
        // RST keeps the link; it is not enough while the link is down.
        let linkIsUp = isLinkUp
        registers.modify(I82599.ctrl) { $0[linkIsUp ? .reset : .linkReset] = true }
        wait(.milliseconds(1))
        try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .deviceGone(during: "reset")) {
            let control = registers.read(I82599.ctrl)
            return control.rawValue != .max && !control[.reset] && !control[.linkReset]
        }
        wait(.milliseconds(50))
        maskInterrupts()
        try poll(.milliseconds(100), step: .milliseconds(1), wait: wait, orElse: .nvmNotRead) {
            registers.read(I82599.eec)[.autoReadDone]
        }
        try poll(.milliseconds(100), step: .milliseconds(1), wait: wait, orElse: .deviceGone(during: "reset")) {
            registers.read(I82599.rdrxctl)[.initDone]
        }
    }

    /// RAL0 and RAH0 hold the NVM's address after a reset.
    private func stationAddress() throws(DriverError) -> [UInt8] {
        let low = registers.read(I82599.ral(0)).rawValue
        let high = registers.read(I82599.rah(0)).rawValue
        let bytes =
            (0..<4).map { UInt8(truncatingIfNeeded: low >> ($0 * 8)) }
            + (0..<2).map { UInt8(truncatingIfNeeded: high >> ($0 * 8)) }
        guard bytes.contains(where: { $0 != 0 }), bytes[0] & 1 == 0 else { throw .invalidAddress(bytes: bytes) }
        return bytes
    }

    /// Zeroes the tables whose contents are undefined after power-up.
    private func clearFilters() {
        let groups = configuration.multicastTable
        for i in 0..<128 {
            registers.write(I82599.mta(i), PlainValue(groups[i]))
            registers.write(I82599.vfta(i), PlainValue(0))
            registers.write(I82599.uta(i), PlainValue(0))
            if i != 0 {
                registers.write(I82599.rah(i), .init())
                registers.write(I82599.ral(i), PlainValue(0))
            }
        }
        for i in 0..<8 {
            registers.write(I82599.etqf(i), .init())
            registers.write(I82599.etqs(i), .init())
        }
        registers.write(I82599.synqf, .init())
        writeRules()
        registers.modify(I82599.ctrlExt) {
            $0[.noSnoopDisable] = true
            $0[.driverLoaded] = true
        }
    }

    private func setUpReceive() {
        // 512 KiB of packet buffer, less what flow director takes for its filters; one buffer takes all.
        registers.write(I82599.rxpbsize(0), PlainValue(UInt32(512 - FlowDirector.memoryKiB) << 10))
        for i in 1..<8 { registers.write(I82599.rxpbsize(i), PlainValue(0)) }
        registers.modify(I82599.hlreg0) {
            $0[.stripCRC] = true
            $0[.transmitCRC] = true
            $0[.pad] = true
            $0[.jumbo] = configuration.mtu > 1500
        }
        registers.modify(I82599.rdrxctl) {
            $0[.stripCRC] = true
            $0[.coalesceFirst] = 0
        }
        registers.write(I82599.maxfrs, .init().setting(.size, UInt32(configuration.mtu + 14 + 8 + 4)))
        registers.write(I82599.fctrl, .init().setting(.broadcastAccept))
        // MFE, bit 2: the multicast table counts; MO 0.
        registers.write(I82599.mcstctrl, PlainValue(configuration.groups.isEmpty ? 0 : 4))
        // Coalescing off: its packets are chains, which device memory has no use for. NFS off, so that port 2049 is TCP.
        registers.write(
            I82599.rfctl,
            .init().setting(.coalesceDisable).setting(.nfsWriteDisable).setting(.nfsReadDisable))
        registers.write(I82599.rxcsum, .init().setting(.packetChecksumDisable))
    }

    /// RSS spreads the chosen traffic over the split queues; everything it does not hash goes to queue 0.
    private func setUpHashing() {
        var generator = SeededGenerator(seed: configuration.hashSeed)
        for i in 0..<10 {
            registers.write(I82599.rssrk(i), PlainValue(UInt32(truncatingIfNeeded: generator.next())))
        }
        writeSpread()
        var mode = I82599.MultipleQueues().setting(.mode, 1).setting(.tcpIPv4).setting(.tcpIPv6)
        if configuration.split != .tcp { mode[.udpIPv4] = true }
        if configuration.split == .ipv4 { mode[.ipv4] = true }
        registers.write(I82599.mrqc, mode)
    }

    private func setUpTransmit() {
        registers.modify(I82599.rttdcs) { $0[.disable] = true }
        registers.write(I82599.mtqc, PlainValue(0))
        registers.modify(I82599.rttdcs) { $0[.disable] = false }
        registers.write(I82599.txpbsize(0), PlainValue(160 << 10))
        registers.write(I82599.txpbthresh(0), PlainValue(0xA0))
        for i in 1..<8 {
            registers.write(I82599.txpbsize(i), PlainValue(0))
            registers.write(I82599.txpbthresh(i), PlainValue(0))
        }
        registers.write(I82599.dtxmxszrq, PlainValue(0xFFF))
        // Before any TXDCTL.ENABLE.
        registers.modify(I82599.dmatxctl) { $0[.enable] = true }
    }

    /// RXEN under traffic can hang the receive DMA of an 82599: the security path is emptied first.
    private func enableReceiver(wait: (Interval) -> Void) throws(DriverError) {
        registers.modify(I82599.secrxctrl) { $0[.disable] = true }
        for _ in 0..<40 where !registers.read(I82599.secrxstat)[.ready] { wait(.microseconds(1000)) }
        registers.modify(I82599.rxctrl) { $0[.enable] = true }
        registers.modify(I82599.secrxctrl) { $0[.disable] = false }
    }

    public mutating func statistics() -> PortStatistics {
        let bus = registers
        // A device that is gone reads all ones, which no counter is.
        if bus.read(I82599.status).rawValue == .max { return accumulated }
        accumulated.framesReceived &+= UInt64(bus.read(I82599.gprc).rawValue)
        accumulated.framesSent &+= UInt64(bus.read(I82599.gptc).rawValue)
        for buffer in 0..<8 { accumulated.missed &+= UInt64(bus.read(I82599.rxmpc(buffer)).rawValue) }
        for queue in 0..<16 { accumulated.queueDrops &+= UInt64(bus.read(I82599.qprdc(queue)).rawValue) }
        accumulated.crcErrors &+= UInt64(bus.read(I82599.crcerrs).rawValue)
        accumulated.undersize &+= UInt64(bus.read(I82599.ruc).rawValue)
        accumulated.oversize &+= UInt64(bus.read(I82599.roc).rawValue)
        let received = UInt64(bus.read(I82599.gorcl).rawValue)
        accumulated.bytesReceived &+= received | UInt64(bus.read(I82599.gorch).rawValue) << 32
        let sent = UInt64(bus.read(I82599.gotcl).rawValue)
        accumulated.bytesSent &+= sent | UInt64(bus.read(I82599.gotch).rawValue) << 32
        return accumulated
    }
}
