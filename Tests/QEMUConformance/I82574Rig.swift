import DeviceMemory
import NICRegisters

/// The 82574: legacy, extended and packet-split descriptors (columns DESCTYPE 0, 1 and 2 of a vector), BSIZE0 in 128 bytes, two
/// queues by RSS.
struct I82574Rig<S: Subject>: Rig {
    let subject: S

    static var queues: Int { 2 }
    static var longestDescriptor: Int { 32 }

    func bringUp() throws {
        bus.modify(I82574.ctrl) { $0[.reset] = true }
        try subject.settle { bus.read(I82574.ctrl)[.reset] == false }
        bus.modify(I82574.ctrl) { $0[.setLinkUp] = true }
        try subject.settle { bus.read(I82574.status)[.linkUp] }
        bus.write(I82574.vet, PlainValue(0x8100))
        loadHashing(redirection: 0x8000_8000)
    }

    func prepare(_ settings: Settings) {
        bus.write(I82574.rctl, .init())
        clearMemory()
        let isExtended = settings.descriptorType != 0
        bus.write(
            I82574.rfctl, .init(rawValue: settings.filterControl).setting(.extendedStatus, isExtended))
        bus.write(I82574.rxcsum, .init(rawValue: settings.checksum))
        bus.write(I82574.mrqc, .init(rawValue: settings.multipleQueues))
        bus.write(I82574.psrctl, .init(rawValue: settings.headerUnits | settings.packetUnits << 8))
        bus.modify(I82574.ctrl) { $0[.vlanMode] = settings.stripTag != 0 }
        for queue in 0..<Self.queues {
            let base = subject.host.iova + ring(queue)
            bus.write(I82574.rdbal(queue), PlainValue(UInt32(truncatingIfNeeded: base.rawValue)))
            bus.write(I82574.rdbah(queue), PlainValue(UInt32(truncatingIfNeeded: base.rawValue >> 32)))
            bus.write(I82574.rdlen(queue), PlainValue(UInt32(Self.descriptors * stride(settings))))
            bus.write(I82574.rdh(queue), PlainValue(0))
            bus.write(I82574.rdt(queue), PlainValue(0))
            post(settings, queue)
        }
        // Buffer sizes and the descriptor type take effect with this write, which must enable.
        var control = I82574.ReceiveControl().setting(.enable).setting(.broadcastAccept)
        control = control.setting(.stripCRC, settings.stripCRC != 0)
        control = control.setting(.descriptorType, settings.descriptorType == 2 ? 1 : 0)
        bus.write(I82574.rctl, control.setting(.longPackets, settings.longPackets != 0))
        // RDT counts 16-byte units whatever the descriptors are.
        let tail = (Self.descriptors - 1) * stride(settings) / 16
        for queue in 0..<Self.queues { bus.write(I82574.rdt(queue), PlainValue(UInt32(tail))) }
        for (_, register) in Self.statistics { _ = bus.read(register) }
    }

    func stride(_ settings: Settings) -> Int { settings.descriptorType == 2 ? 32 : 16 }

    func posted(_ settings: Settings, _ queue: Int, _ index: Int) -> [UInt64] {
        let payload = (subject.region.iova + slot(queue, index)).rawValue
        guard settings.descriptorType == 2 else { return [payload, 0] }
        return [(subject.host.iova + header(queue, index)).rawValue, payload, .max, .max]
    }

    func isDone(_ settings: Settings, _ words: [UInt64]) -> Bool {
        // Legacy: status is byte 12; else the extended status begins at byte 8.
        (settings.descriptorType == 0 ? words[1] >> 32 : words[1]) & 1 != 0
    }

    func splitPayload(_ settings: Settings, _ words: [UInt64]) -> Int? {
        // HDRSP, and the length of buffer 1.
        guard settings.descriptorType == 2, words[2] >> 15 & 1 == 1 else { return nil }
        return Int(words[2] >> 16 & 0xFFFF)
    }

    func head(_ settings: Settings, _ queue: Int) -> Int {
        Int(bus.read(I82574.rdh(queue)).rawValue) * 16 / stride(settings)
    }

    static var statistics: [(String, Register<PlainValue>)] {
        [
            ("GPRC", I82574.gprc), ("BPRC", I82574.bprc), ("MPRC", I82574.mprc), ("ROC", I82574.roc),
            ("RUC", I82574.ruc), ("GORCL", I82574.gorcl), ("GORCH", I82574.gorch),
        ]
    }
}
