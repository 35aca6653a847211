import DeviceMemory
import NICRegisters

/// The 82576: two-word descriptors, split by DESCTYPE 2 or 5, four queues by RSS.
struct I82576Rig<S: Subject>: Rig {
    let subject: S

    static var queues: Int { 4 }
    static var longestDescriptor: Int { 16 }

    func bringUp() throws {
        bus.modify(I82576.ctrl) { $0[.reset] = true }
        try subject.settle { bus.read(I82576.ctrl)[.reset] == false }
        // The link stays down until auto-negotiation is restarted.
        bus.write(I82576.mdic, .writing(.control, 0x1340))
        try subject.settle { bus.read(I82576.status)[.linkUp] }
        bus.write(I82576.rlpml, PlainValue(0x2600))
        loadHashing(redirection: 0x0302_0100)
    }

    func prepare(_ settings: Settings) {
        bus.write(I82576.rctl, .init())
        clearMemory()
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
            post(settings, queue)
            bus.write(I82576.rxdctl(queue), .init(rawValue: 1 << 25 | 1 << 16))
        }
        var control = I82576.ReceiveControl().setting(.enable).setting(.broadcastAccept)
        control = control.setting(.stripCRC, settings.stripCRC != 0)
        bus.write(I82576.rctl, control.setting(.longPackets, settings.longPackets != 0))
        for queue in 0..<Self.queues { bus.write(I82576.rdt(queue), PlainValue(UInt32(Self.descriptors - 1))) }
        for (_, register) in Self.statistics { _ = bus.read(register) }
    }

    func stride(_ settings: Settings) -> Int { 16 }

    func posted(_ settings: Settings, _ queue: Int, _ index: Int) -> [UInt64] {
        [
            (subject.region.iova + slot(queue, index)).rawValue,
            (subject.host.iova + header(queue, index)).rawValue,
        ]
    }

    func isDone(_ settings: Settings, _ words: [UInt64]) -> Bool { words[1] & 1 != 0 }

    func splitPayload(_ settings: Settings, _ words: [UInt64]) -> Int? {
        // SPH without HBO: nothing of the packet buffer is a header.
        guard words[0] >> 31 & 1 == 1, words[1] >> 23 & 1 == 0 else { return nil }
        return Int(words[1] >> 32 & 0xFFFF)
    }

    func head(_ settings: Settings, _ queue: Int) -> Int { Int(bus.read(I82576.rdh(queue)).rawValue) }

    static var statistics: [(String, Register<PlainValue>)] {
        [
            ("GPRC", I82576.gprc), ("BPRC", I82576.bprc), ("MPRC", I82576.mprc), ("ROC", I82576.roc),
            ("RUC", I82576.ruc), ("GORCL", I82576.gorcl), ("GORCH", I82576.gorch),
        ]
    }
}
