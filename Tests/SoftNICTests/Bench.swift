import DeviceMemory
import NICRegisters
import Packets
import SoftNIC
import Testing
import Timeline

/// A model on a bench: memory, a register window, and hands that do what a driver's would, with nothing of a driver's code.
final class Bench {
    let nic: SoftNIC
    let bus: SoftBus
    let flush: SoftBus
    private let host: MemoryObject
    private let hostView: MappedView
    let hostIOVA: IOVA
    private let region: MemoryObject
    private let regionView: MappedView
    let regionIOVA: IOVA
    var now = Instant.zero
    private let enableLatency: Interval?

    static let hostSize = 2 << 20
    static let slotSize = 16 << 10
    static let slots = 512
    /// What header buffers, and slots that the model does not poison, hold before anything arrives.
    static let fill: UInt8 = 0xEE

    init(_ configuration: SoftNICConfiguration, trace: Trace = .disabled) throws {
        nic = SoftNIC(configuration: configuration, trace: trace)
        enableLatency = configuration.behaviour.enableLatency == .zero ? nil : configuration.behaviour.enableLatency
        bus = SoftBus(nic, .registers)
        flush = SoftBus(nic, .flushPage)
        host = try MemoryObject(name: "bench host", size: Self.hostSize)
        hostView = try host.view(rights: .readWrite)
        hostIOVA = try nic.map(host, offset: 0, length: Self.hostSize, rights: .readWrite, isRegion: false)
        region = try MemoryObject(name: "bench region", size: Self.slots * Self.slotSize)
        regionView = try region.view(rights: .readWrite)
        regionIOVA = try nic.map(
            region, offset: 0, length: Self.slots * Self.slotSize, rights: .write, isRegion: true)
        nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
    }

    convenience init(_ preset: SoftNICPreset, _ change: (inout SoftNICConfiguration) -> Void = { _ in }) throws {
        var configuration = SoftNICConfiguration(preset: preset)
        change(&configuration)
        try self.init(configuration)
    }

    var memory: MutableByteView { hostView.bytes }
    var slotBytes: MutableByteView { regionView.bytes }

    // MARK: time and link

    /// Lets `interval` pass and the model work.
    func run(_ interval: Interval = .zero) {
        now = now + interval
        while nic.step(now: now) {}
    }

    /// Brings the link up by restarting auto-negotiation, as every driver does.
    func link() {
        bus.write(I82576.mdic, .writing(.control, 0x1340))
        run(.seconds(1))
    }

    // MARK: receive

    static func ringOffset(_ queue: Int) -> Int { queue * 0x4000 }
    static func headerOffset(_ queue: Int, _ index: Int) -> Int { 0x10_0000 + queue * 0x1_0000 + index * 0x400 }

    func slot(_ queue: Int, _ index: Int) -> Int { (queue * 32 + index) * Self.slotSize }

    /// Writes a queue's registers and enables it; `type` is DESCTYPE.
    func openQueue(
        _ queue: Int, type: UInt32, count: Int = 16, headerSize: Int = 128, packetKiB: UInt32 = 2, drop: Bool = true,
        threshold: UInt32 = 0, writeBack: UInt32 = 1
    ) {
        bus.write(I82576.rxdctl(queue), .init())
        settle()
        let base = hostIOVA.rawValue + UInt64(Self.ringOffset(queue))
        bus.write(I82576.rdbal(queue), PlainValue(UInt32(truncatingIfNeeded: base)))
        bus.write(I82576.rdbah(queue), PlainValue(UInt32(truncatingIfNeeded: base >> 32)))
        bus.write(I82576.rdlen(queue), PlainValue(UInt32(count * 16)))
        bus.write(I82576.rdh(queue), PlainValue(0))
        bus.write(I82576.rdt(queue), PlainValue(0))
        var split = I82576.SplitReceiveControl().setting(.packetBufferSize, packetKiB)
        split = split.setting(.headerBufferSize, UInt32(headerSize / 64)).setting(.descriptorType, type)
        bus.write(I82576.srrctl(queue), split.setting(.dropEnable, drop).setting(.minimumThreshold, threshold))
        bus.write(I82576.rxdctl(queue), .init().setting(.writeBackThreshold, writeBack).setting(.enable))
        settle()
    }

    /// Lets changes of ENABLE take effect.
    func settle() {
        guard let enableLatency else { return }
        run(enableLatency)
    }

    /// Fills descriptors `range` of a queue with buffers in the region and in host memory.
    func fillDescriptors(_ queue: Int, _ range: Range<Int>, header: Bool = true) {
        for index in range { fillDescriptor(queue, index, header: header) }
    }

    func fillDescriptor(
        _ queue: Int, _ index: Int, slot slotIndex: Int? = nil, header: Bool = true, payload: UInt64? = nil
    ) {
        let headers = Self.headerOffset(queue, index)
        memory.slice(headers, 0x400).fill(Self.fill)
        let offset = slot(queue, slotIndex ?? index)
        if payload == nil { slotBytes.slice(offset, Self.slotSize).fill(Self.fill) }
        write(
            queue, index, payload ?? regionIOVA.rawValue + UInt64(offset),
            header ? hostIOVA.rawValue + UInt64(headers) : 0)
    }

    /// Writes the two words of a descriptor.
    func write(_ queue: Int, _ index: Int, _ first: UInt64, _ second: UInt64) {
        memory.setLE64(Self.ringOffset(queue) + index * 16, first)
        memory.setLE64(Self.ringOffset(queue) + index * 16 + 8, second)
    }

    /// Opens a queue and posts `posted` descriptors.
    func startQueue(
        _ queue: Int, type: UInt32, count: Int = 16, posted: Int = 15, headerSize: Int = 128, packetKiB: UInt32 = 2,
        drop: Bool = true
    ) {
        openQueue(queue, type: type, count: count, headerSize: headerSize, packetKiB: packetKiB, drop: drop)
        fillDescriptors(queue, 0..<count, header: type != 1)
        bus.write(I82576.rdt(queue), PlainValue(UInt32(posted)))
        run()
    }

    /// Switches the receiver on: broadcasts, check sequences stripped, long frames.
    func enableReceiver(_ change: (inout I82576.ReceiveControl) -> Void = { _ in }) {
        var control = I82576.ReceiveControl().setting(.enable).setting(.broadcastAccept).setting(.stripCRC)
        control = control.setting(.longPackets)
        change(&control)
        bus.write(I82576.rctl, control)
    }

    /// A frame arrives; the model works, and payload becomes visible.
    @discardableResult
    func send(_ frame: [UInt8], mark: FrameMark = .none) -> Bool {
        let taken = withView(frame) { nic.receive($0, mark: mark) }
        run()
        nic.drainPayload()
        return taken
    }

    @discardableResult
    func send(_ recipe: FrameRecipe, mark: FrameMark = .none) -> Bool { send(recipe.bytes, mark: mark) }

    /// What the device wrote back at `index`.
    func completion(_ queue: Int, _ index: Int) -> Completion {
        let words = memory.readOnly.slice(Self.ringOffset(queue) + index * 16, 16)
        return Completion(first: words.le64(0), second: words.le64(8))
    }

    /// The header buffer of a descriptor.
    func header(_ queue: Int, _ index: Int) -> [UInt8] {
        memory.readOnly.slice(Self.headerOffset(queue, index), 0x400).array()
    }

    /// The slot of a descriptor that ``fillDescriptor(_:_:slot:header:payload:)`` chose.
    func payload(_ queue: Int, _ index: Int) -> [UInt8] {
        slotBytes.readOnly.slice(slot(queue, index), Self.slotSize).array()
    }

    // MARK: transmit

    static let transmitRing = 0x8_0000
    static let transmitBuffers = 0x9_0000

    func openTransmit(count: Int = 32) {
        bus.write(I82576.txdctl(0), .init())
        settle()
        let base = hostIOVA.rawValue + UInt64(Self.transmitRing)
        bus.write(I82576.tdbal(0), PlainValue(UInt32(truncatingIfNeeded: base)))
        bus.write(I82576.tdbah(0), PlainValue(UInt32(truncatingIfNeeded: base >> 32)))
        bus.write(I82576.tdlen(0), PlainValue(UInt32(count * 16)))
        bus.write(I82576.tdh(0), PlainValue(0))
        bus.write(I82576.tdt(0), PlainValue(0))
        bus.write(I82576.txdctl(0), .init().setting(.writeBackThreshold, 1).setting(.enable))
        settle()
        bus.modify(I82576.tctl) { $0[.enable] = true }
    }

    func writeTransmit(_ index: Int, _ first: UInt64, _ second: UInt64) {
        memory.setLE64(Self.transmitRing + index * 16, first)
        memory.setLE64(Self.transmitRing + index * 16 + 8, second)
    }

    func transmitWord(_ index: Int) -> UInt64 { memory.readOnly.le64(Self.transmitRing + index * 16 + 8) }

    /// Puts bytes at `offset` of the transmit buffers and returns their I/O address.
    func putTransmit(_ bytes: [UInt8], at offset: Int = 0) -> UInt64 {
        for i in bytes.indices { memory[Self.transmitBuffers + offset + i] = bytes[i] }
        return hostIOVA.rawValue + UInt64(Self.transmitBuffers + offset)
    }

    func ringTransmit(_ tail: Int) {
        bus.write(I82576.tdt(0), PlainValue(UInt32(tail)))
        run()
    }

    /// All frames that left, popped.
    func transmitted() -> [[UInt8]] {
        var frames: [[UInt8]] = []
        while let frame = nic.nextTransmitted() {
            frames.append(frame.array())
            nic.popTransmitted()
        }
        return frames
    }
}

/// The write-back format, taken apart by the tests themselves (82575 manual, tables 33 and 34).
struct Completion: Equatable, CustomStringConvertible {
    var first: UInt64
    var second: UInt64

    var rssType: Int { Int(first & 0xF) }
    var packetType: Int { Int(first >> 4 & 0xFFF) }
    var headerLength: Int { Int(first >> 21 & 0x3FF) }
    var splitHeader: Bool { first >> 31 & 1 == 1 }
    var hash: UInt32 { UInt32(truncatingIfNeeded: first >> 32) }
    var status: UInt32 { UInt32(truncatingIfNeeded: second) }
    var isDone: Bool { second & 1 == 1 }
    var isLast: Bool { second >> 1 & 1 == 1 }
    var headerOverflow: Bool { second >> 23 & 1 == 1 }
    var length: Int { Int(second >> 32 & 0xFFFF) }
    var tag: Int { Int(second >> 48) }

    var description: String {
        "type \(String(packetType, radix: 16)) SPH \(splitHeader) HDR_LEN \(headerLength) "
            + "status \(String(status, radix: 16)) length \(length)"
    }
}
