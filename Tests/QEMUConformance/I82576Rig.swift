import DeviceMemory
import NICRegisters

/// Sets an 82576 up and reads what it did: the same accesses in the same order, whatever is behind the bus.
struct I82576Rig<S: Subject> {
    let subject: S

    static var queues: Int { 4 }
    static var descriptors: Int { 64 }
    static var headerSize: Int { 1024 }
    static var slotSize: Int { 4096 }
    static var hostBytes: Int { queues * descriptors * (16 + headerSize) + 4096 }
    static var regionBytes: Int { queues * descriptors * slotSize }
    /// What buffers hold before anything arrives.
    static var fill: UInt8 { 0xEE }
    /// The key of the Microsoft RSS verification suite.
    private static var key: [UInt8] {
        [
            0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca,
            0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b,
            0xbe, 0xac, 0x01, 0xfa,
        ]
    }

    private var bus: S.BusType { subject.bus }
    private func ring(_ queue: Int) -> Int { queue * Self.descriptors * 16 }
    private func header(_ queue: Int, _ index: Int) -> Int {
        Self.queues * Self.descriptors * 16 + (queue * Self.descriptors + index) * Self.headerSize
    }
    private func slot(_ queue: Int, _ index: Int) -> Int { (queue * Self.descriptors + index) * Self.slotSize }

    /// From power-up to a link, with everything that no batch changes.
    func bringUp() throws {
        bus.modify(I82576.ctrl) { $0[.reset] = true }
        try subject.settle { bus.read(I82576.ctrl)[.reset] == false }
        bus.write(I82576.mdic, .writing(.control, 0x1340))
        try subject.settle { bus.read(I82576.status)[.linkUp] }
        bus.write(I82576.rlpml, PlainValue(0x2600))
        for word in 0..<10 {
            var value: UInt32 = 0
            for byte in 0..<4 { value |= UInt32(Self.key[4 * word + byte]) << UInt32(8 * byte) }
            bus.write(I82576.rssrk(word), PlainValue(value))
        }
        for entry in 0..<32 { bus.write(I82576.reta(entry), PlainValue(0x0302_0100)) }
    }

    /// Writes everything that a batch depends on, and posts all descriptors but one of every queue.
    func prepare(_ settings: Settings) {
        bus.write(I82576.rctl, .init())
        subject.host.bytes.fill(Self.fill)
        subject.region.bytes.fill(Self.fill)
        bus.write(I82576.rfctl, .init(rawValue: settings.filterControl))
        bus.write(I82576.rxcsum, .init(rawValue: settings.checksum))
        bus.write(I82576.mrqc, .init(rawValue: settings.multipleQueues))
        bus.modify(I82576.ctrl) { $0[.vlanMode] = settings.stripTag != 0 }
        for queue in 0..<Self.queues {
            bus.write(I82576.rxdctl(queue), .init())
            let base = subject.host.iova + ring(queue)
            bus.write(I82576.rdbal(queue), PlainValue(UInt32(truncatingIfNeeded: base.rawValue)))
            bus.write(I82576.rdbah(queue), PlainValue(UInt32(truncatingIfNeeded: base.rawValue >> 32)))
            bus.write(I82576.rdlen(queue), PlainValue(UInt32(Self.descriptors * 16)))
            bus.write(I82576.rdh(queue), PlainValue(0))
            bus.write(I82576.rdt(queue), PlainValue(0))
            bus.write(
                I82576.srrctl(queue),
                .init(
                    rawValue: settings.descriptorType << 25 | settings.headerUnits << 8 | settings.packetUnits))
            for index in 0..<Self.descriptors { post(queue, index) }
            bus.write(I82576.rxdctl(queue), .init(rawValue: 1 << 25 | 1 << 16))
        }
        var control = I82576.ReceiveControl().setting(.enable).setting(.broadcastAccept)
        control = control.setting(.stripCRC, settings.stripCRC != 0)
        bus.write(I82576.rctl, control.setting(.longPackets, settings.longPackets != 0))
        for queue in 0..<Self.queues { bus.write(I82576.rdt(queue), PlainValue(UInt32(Self.descriptors - 1))) }
        for (_, register) in Self.statistics { _ = bus.read(register) }
    }

    private func posted(_ queue: Int, _ index: Int) -> [UInt64] {
        [
            (subject.region.iova + slot(queue, index)).rawValue,
            (subject.host.iova + header(queue, index)).rawValue,
        ]
    }

    private func post(_ queue: Int, _ index: Int) {
        let words = posted(queue, index)
        subject.host.bytes.setLE64(ring(queue) + 16 * index, words[0])
        subject.host.bytes.setLE64(ring(queue) + 16 * index + 8, words[1])
    }

    /// Whether `frame` is what arrived last at queue 0.
    func hasArrived(_ frame: [UInt8]) -> Bool {
        let head = Int(bus.read(I82576.rdh(0)).rawValue)
        guard head > 0, head < Self.descriptors else { return false }
        let words = DescriptorWords(subject.host.bytes.slice(ring(0), Self.descriptors * 16))
        guard words.loadAcquiring(2 * (head - 1) + 1) & 1 != 0 else { return false }
        let inHost = subject.host.bytes.readOnly.slice(header(0, head - 1), frame.count).array()
        let inRegion = subject.region.bytes.readOnly.slice(slot(0, head - 1), frame.count).array()
        return inHost == frame || inRegion == frame
    }

    /// What the device left behind.
    func image() -> Image {
        var image = Image()
        let host = subject.host.bytes.readOnly
        for queue in 0..<Self.queues {
            image.descriptors.append(
                (0..<Self.descriptors).map { index in
                    let words = [host.le64(ring(queue) + 16 * index), host.le64(ring(queue) + 16 * index + 8)]
                    return words == posted(queue, index) ? [] : words
                })
            image.heads.append(bus.read(I82576.rdh(queue)).rawValue)
        }
        image.headers = host.slice(header(0, 0), Self.queues * Self.descriptors * Self.headerSize).array()
        image.payload = subject.region.bytes.readOnly.slice(0, Self.regionBytes).array()
        for (name, register) in Self.statistics { image.statistics[name] = bus.read(register).rawValue }
        return image
    }

    /// What both count (QEMU counts no drops).
    private static var statistics: [(String, Register<PlainValue>)] {
        [
            ("GPRC", I82576.gprc), ("BPRC", I82576.bprc), ("MPRC", I82576.mprc), ("ROC", I82576.roc),
            ("RUC", I82576.ruc), ("GORCL", I82576.gorcl), ("GORCH", I82576.gorch),
        ]
    }
}
