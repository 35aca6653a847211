import DeviceMemory
import NICRegisters
import SoftNIC
import Timeline

/// What the 82599 needs of a bench. Queues 0 to 3 have places for rings and buffers; others share them, by their last two bits.
extension Bench {
    convenience init(i82599 preset: SoftNICPreset, _ change: (inout SoftNICConfiguration) -> Void = { _ in }) throws {
        var configuration = SoftNICConfiguration(model: .i82599, preset: preset)
        change(&configuration)
        try self.init(configuration)
        bus.modify(I82599.autoc) { $0[.restart] = true }
        run(.seconds(1))
        for i in 1..<128 { bus.write(I82599.rah(i), .init()) }
        bus.write(
            I82599.psrtype(0), .init().setting(.tcp).setting(.udp).setting(.ipv4).setting(.ipv6).setting(.link))
        bus.write(I82599.rxcsum, .init().setting(.packetChecksumDisable))
        bus.write(I82599.rfctl, .init().setting(.nfsReadDisable).setting(.nfsWriteDisable))
    }

    /// Sets a queue up with 16 descriptors, enables it, and posts `posted` of them.
    func start599(
        _ queue: Int, type: UInt32, posted: Int = 15, headerSize: Int = 128, packetKiB: UInt32 = 2, drop: Bool = true
    ) {
        let place = queue % 4
        let base = hostIOVA.rawValue + UInt64(Self.ringOffset(place))
        bus.write(I82599.rxdctl(queue), .init())
        run(.milliseconds(1))
        bus.write(I82599.rdbal(queue), PlainValue(UInt32(truncatingIfNeeded: base)))
        bus.write(I82599.rdbah(queue), PlainValue(UInt32(truncatingIfNeeded: base >> 32)))
        bus.write(I82599.rdlen(queue), PlainValue(256))
        bus.write(I82599.rdh(queue), PlainValue(0))
        bus.write(I82599.rdt(queue), PlainValue(0))
        var split = I82599.SplitReceiveControl().setting(.packetBufferSize, packetKiB)
        split = split.setting(.headerBufferSize, UInt32(headerSize / 64)).setting(.descriptorType, type)
        bus.write(I82599.srrctl(queue), split.setting(.dropEnable, drop))
        bus.write(I82599.dcaRxctrl(queue), .init())
        bus.write(I82599.rxdctl(queue), .init().setting(.enable))
        run(.milliseconds(1))
        bus.write(I82599.rdh(queue), PlainValue(0))
        fillDescriptors(place, 0..<16, header: type != 1)
        bus.write(I82599.rdt(queue), PlainValue(UInt32(posted)))
        run()
    }

    /// Switches the receiver on with the security path quiet, as drivers of the family do.
    func enable599(_ change: (inout I82599.FilterControl) -> Void = { _ in }) {
        var control = I82599.FilterControl().setting(.broadcastAccept)
        change(&control)
        bus.write(I82599.fctrl, control)
        bus.write(I82599.secrxctrl, .init().setting(.disable))
        bus.write(I82599.rxctrl, .init().setting(.enable))
        bus.write(I82599.secrxctrl, .init())
    }

    func openTransmit599(queue: Int = 0) {
        bus.write(I82599.dmatxctl, .init().setting(.enable))
        let base = hostIOVA.rawValue + UInt64(Self.transmitRing)
        bus.write(I82599.tdbal(queue), PlainValue(UInt32(truncatingIfNeeded: base)))
        bus.write(I82599.tdbah(queue), PlainValue(UInt32(truncatingIfNeeded: base >> 32)))
        bus.write(I82599.tdlen(queue), PlainValue(512))
        bus.write(I82599.txdctl(queue), .init().setting(.enable))
        run(.milliseconds(1))
    }
}
