import DeviceMemory
import NICRegisters
import SoftNIC
import Timeline

/// What the 82574 needs of a bench: rings in units of 16 bytes, one layout for all queues.
extension Bench {
    convenience init(
        i82574 preset: SoftNICPreset, _ change: (inout SoftNICConfiguration) -> Void = { _ in }
    ) throws {
        var configuration = SoftNICConfiguration(model: .i82574, preset: preset)
        change(&configuration)
        try self.init(configuration)
        // The link comes up by itself, sooner or later.
        run(.seconds(1))
    }

    /// Kinds of receive descriptors.
    enum Layout574 { case legacy, extended, split }

    /// Gives queues 0 and 1 rings of `count` descriptors, all filled, and posts `posted` of each.
    func start574(
        _ layout: Layout574, count: Int = 16, posted: Int = 15, headerSize: Int = 256, payloadKiB: UInt32 = 2,
        filters: I82574.ReceiveFilterControl = .init(), control change: (inout I82574.ReceiveControl) -> Void = { _ in }
    ) {
        let units = layout == .split ? 2 : 1
        for queue in 0..<2 {
            let base = hostIOVA.rawValue + UInt64(Self.ringOffset(queue))
            bus.write(I82574.rdbal(queue), PlainValue(UInt32(truncatingIfNeeded: base)))
            bus.write(I82574.rdbah(queue), PlainValue(UInt32(truncatingIfNeeded: base >> 32)))
            bus.write(I82574.rdlen(queue), PlainValue(UInt32(count * units * 16)))
            bus.write(I82574.rdh(queue), PlainValue(0))
            bus.write(I82574.rdt(queue), PlainValue(0))
            for index in 0..<count { fill574(layout, queue, index) }
        }
        var rules = filters.setting(.nfsReadDisable).setting(.nfsWriteDisable)
        rules[.extendedStatus] = layout != .legacy
        bus.write(I82574.rfctl, rules)
        bus.write(
            I82574.psrctl,
            .init().setting(.headerBufferSize, UInt32(headerSize / 128)).setting(.bufferSize1, payloadKiB))
        var control = I82574.ReceiveControl().setting(.enable).setting(.broadcastAccept).setting(.stripCRC)
        control[.descriptorType] = layout == .split ? 1 : 0
        change(&control)
        bus.write(I82574.rctl, control)
        for queue in 0..<2 { bus.write(I82574.rdt(queue), PlainValue(UInt32(posted * units))) }
        run()
    }

    /// Writes descriptor `index` anew: a header buffer in host memory, everything else in the region.
    func fill574(_ layout: Layout574, _ queue: Int, _ index: Int, header: UInt64? = nil, slot slotIndex: Int? = nil) {
        let headers = Self.headerOffset(queue, index)
        memory.slice(headers, 0x400).fill(Self.fill)
        let offset = slot(queue, slotIndex ?? index)
        slotBytes.slice(offset, Self.slotSize).fill(Self.fill)
        let payload = regionIOVA.rawValue + UInt64(offset)
        let at = Self.ringOffset(queue) + index * (layout == .split ? 32 : 16)
        switch layout {
        case .legacy, .extended:
            memory.setLE64(at, payload)
            memory.setLE64(at + 8, 0)
        case .split:
            memory.setLE64(at, header ?? hostIOVA.rawValue + UInt64(headers))
            memory.setLE64(at + 8, payload)
            memory.setLE64(at + 16, .max)
            memory.setLE64(at + 24, .max)
        }
    }

    /// What the device wrote back at `index` of split descriptors.
    func split574(_ queue: Int, _ index: Int) -> Split574 {
        let words = memory.readOnly.slice(Self.ringOffset(queue) + index * 32, 32)
        return Split574(first: words.le64(0), second: words.le64(8), third: words.le64(16), fourth: words.le64(24))
    }

    /// What the device wrote back at `index` of descriptors of 16 bytes.
    func word574(_ queue: Int, _ index: Int) -> (first: UInt64, second: UInt64) {
        let words = memory.readOnly.slice(Self.ringOffset(queue) + index * 16, 16)
        return (words.le64(0), words.le64(8))
    }

    func openTransmit574(count: Int = 32) {
        let base = hostIOVA.rawValue + UInt64(Self.transmitRing)
        bus.write(I82574.tdbal(0), PlainValue(UInt32(truncatingIfNeeded: base)))
        bus.write(I82574.tdbah(0), PlainValue(UInt32(truncatingIfNeeded: base >> 32)))
        bus.write(I82574.tdlen(0), PlainValue(UInt32(count * 16)))
        bus.write(I82574.tdh(0), PlainValue(0))
        bus.write(I82574.tdt(0), PlainValue(0))
        bus.modify(I82574.tctl) { $0 = $0.setting(.enable).setting(.padShortPackets) }
    }

    func ringTransmit574(_ tail: Int) {
        bus.write(I82574.tdt(0), PlainValue(UInt32(tail)))
        run()
    }
}

/// The split write-back, taken apart by the tests themselves.
struct Split574: CustomStringConvertible {
    var first: UInt64
    var second: UInt64
    var third: UInt64
    var fourth: UInt64

    var rssType: Int { Int(first & 0xF) }
    var queue: Int { Int(first >> 8 & 0x1F) }
    var hash: UInt32 { UInt32(truncatingIfNeeded: first >> 32) }
    var status: UInt32 { UInt32(truncatingIfNeeded: second) }
    var isDone: Bool { second & 1 == 1 }
    var isLast: Bool { second >> 1 & 1 == 1 }
    var type: Int { Int(second >> 16 & 0xF) }
    var length0: Int { Int(second >> 32 & 0xFFFF) }
    var tag: Int { Int(second >> 48) }
    var headerLength: Int { Int(third & 0x3FF) }
    var splitHeader: Bool { third >> 15 & 1 == 1 }
    var length1: Int { Int(third >> 16 & 0xFFFF) }
    var length2: Int { Int(third >> 32 & 0xFFFF) }
    var length3: Int { Int(third >> 48) }

    var description: String {
        "status \(String(status, radix: 16)) length0 \(length0) HDRSP \(splitHeader) HLEN \(headerLength) length1 \(length1)"
    }
}
