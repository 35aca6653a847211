extension I82599 {
    /// FCTRL: filter control.
    @frozen public struct FilterControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.storeBadPackets, .multicastPromiscuous, .unicastPromiscuous, .broadcastAccept])
        }
    }

    /// VLNCTRL: VLAN control.
    @frozen public struct VLANControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.canonicalEnable, .filter], fields: [.type])
        }
    }

    /// RFCTL: receive filter control.
    @frozen public struct ReceiveFilterControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.coalesceDisable, .nfsWriteDisable, .nfsReadDisable, .fragmentSplitDisable])
        }
    }

    /// RAH: upper part of an exact-match address.
    @frozen public struct ReceiveAddressHigh: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.valid], fields: [.address])
        }
    }

    /// MRQC: multiple receive queues.
    @frozen public struct MultipleQueues: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.tcpIPv4, .ipv4, .ipv6, .tcpIPv6, .udpIPv4, .udpIPv6], fields: [.mode])
        }
    }

    /// FTQF: a filter of protocol, addresses and ports.
    @frozen public struct FiveTupleFilter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.poolMask, .enable], fields: [.protocolCode, .priority, .mask])
        }
    }

    /// L34T_IMIR: what a 5-tuple filter does.
    @frozen public struct FiveTupleQueue: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.sizeBypass, .lowLatency], fields: [.reserved, .queue])
        }
    }

    /// ETQF: an EtherType filter.
    @frozen public struct EtherTypeFilter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable], fields: [.type])
        }
    }

    /// ETQS: the queue of an EtherType filter.
    @frozen public struct EtherTypeQueue: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable], fields: [.queue])
        }
    }

    /// SYNQF: the queue of TCP SYN.
    @frozen public struct SYNFilter: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.enable, .priority], fields: [.queue])
        }
    }
}

extension Flag<I82599.FilterControl> {
    /// SBP, bit 1.
    @inlinable public static var storeBadPackets: Self { Flag(1, "SBP") }
    /// MPE, bit 8.
    @inlinable public static var multicastPromiscuous: Self { Flag(8, "MPE") }
    /// UPE, bit 9.
    @inlinable public static var unicastPromiscuous: Self { Flag(9, "UPE") }
    /// BAM, bit 10.
    @inlinable public static var broadcastAccept: Self { Flag(10, "BAM") }
}

extension Flag<I82599.VLANControl> {
    /// CFIEN, bit 29.
    @inlinable public static var canonicalEnable: Self { Flag(29, "CFIEN") }
    /// VFE, bit 30.
    @inlinable public static var filter: Self { Flag(30, "VFE") }
}

extension Field<I82599.VLANControl> {
    /// VET, bits 15:0.
    @inlinable public static var type: Self { Field(low: 0, width: 16, "VET") }
}

extension Flag<I82599.ReceiveFilterControl> {
    /// RSC_DIS, bit 5.
    @inlinable public static var coalesceDisable: Self { Flag(5, "RSC_DIS") }
    /// NFSW_DIS, bit 6.
    @inlinable public static var nfsWriteDisable: Self { Flag(6, "NFSW_DIS") }
    /// NFSR_DIS, bit 7.
    @inlinable public static var nfsReadDisable: Self { Flag(7, "NFSR_DIS") }
    /// IPFRSP_DIS, bit 14.
    @inlinable public static var fragmentSplitDisable: Self { Flag(14, "IPFRSP_DIS") }
}

extension Flag<I82599.ReceiveAddressHigh> {
    /// AV, bit 31: the entry is in use.
    @inlinable public static var valid: Self { Flag(31, "AV") }
}

extension Field<I82599.ReceiveAddressHigh> {
    /// Bytes 4 and 5 of the address, byte 4 lowest.
    @inlinable public static var address: Self { Field(low: 0, width: 16, "ADDRESS") }
}

extension Flag<I82599.MultipleQueues> {
    /// Bit 16: hash TCP over IPv4.
    @inlinable public static var tcpIPv4: Self { Flag(16, "TCP_IPV4") }
    /// Bit 17: hash IPv4 addresses.
    @inlinable public static var ipv4: Self { Flag(17, "IPV4") }
    /// Bit 20: hash IPv6 addresses.
    @inlinable public static var ipv6: Self { Flag(20, "IPV6") }
    /// Bit 21: hash TCP over IPv6.
    @inlinable public static var tcpIPv6: Self { Flag(21, "TCP_IPV6") }
    /// Bit 22: hash UDP over IPv4.
    @inlinable public static var udpIPv4: Self { Flag(22, "UDP_IPV4") }
    /// Bit 23: hash UDP over IPv6.
    @inlinable public static var udpIPv6: Self { Flag(23, "UDP_IPV6") }
}

extension Field<I82599.MultipleQueues> {
    /// MRQE, bits 3:0: 1 is RSS.
    @inlinable public static var mode: Self { Field(low: 0, width: 4, "MRQE") }
}

extension Flag<I82599.FiveTupleFilter> {
    /// Pool mask, bit 30: any pool.
    @inlinable public static var poolMask: Self { Flag(30, "Pool_mask") }
    /// Queue Enable, bit 31.
    @inlinable public static var enable: Self { Flag(31, "Queue_Enable") }
}

extension Field<I82599.FiveTupleFilter> {
    /// Protocol, bits 1:0: 0 is TCP, 1 UDP, 2 SCTP, 3 other.
    @inlinable public static var protocolCode: Self { Field(low: 0, width: 2, "Protocol") }
    /// Priority, bits 4:2: 7 is highest.
    @inlinable public static var priority: Self { Field(low: 2, width: 3, "Priority") }
    /// Mask, bits 29:25: source and destination address, source and destination port, protocol; 1 is ignored.
    @inlinable public static var mask: Self { Field(low: 25, width: 5, "Mask") }
}

extension Flag<I82599.FiveTupleQueue> {
    /// Size_BP, bit 12.
    @inlinable public static var sizeBypass: Self { Flag(12, "Size_BP") }
    /// LLI, bit 20.
    @inlinable public static var lowLatency: Self { Flag(20, "LLI") }
}

extension Field<I82599.FiveTupleQueue> {
    /// Bits 19:13: write 1000000b.
    @inlinable public static var reserved: Self { Field(low: 13, width: 7, "RESERVED") }
    /// Rx_Queue, bits 27:21.
    @inlinable public static var queue: Self { Field(low: 21, width: 7, "Rx_Queue") }
}

extension Flag<I82599.EtherTypeFilter> {
    /// Filter Enable, bit 31.
    @inlinable public static var enable: Self { Flag(31, "Filter_Enable") }
}

extension Field<I82599.EtherTypeFilter> {
    /// EType, bits 15:0.
    @inlinable public static var type: Self { Field(low: 0, width: 16, "EType") }
}

extension Flag<I82599.EtherTypeQueue> {
    /// Queue Enable, bit 31.
    @inlinable public static var enable: Self { Flag(31, "Queue_Enable") }
}

extension Field<I82599.EtherTypeQueue> {
    /// Rx_Queue, bits 22:16.
    @inlinable public static var queue: Self { Field(low: 16, width: 7, "Rx_Queue") }
}

extension Flag<I82599.SYNFilter> {
    /// Queue Enable, bit 0.
    @inlinable public static var enable: Self { Flag(0, "Queue_Enable") }
    /// SYNQFP, bit 31: before the 5-tuple filters.
    @inlinable public static var priority: Self { Flag(31, "SYNQFP") }
}

extension Field<I82599.SYNFilter> {
    /// Rx_Queue, bits 7:1.
    @inlinable public static var queue: Self { Field(low: 1, width: 7, "Rx_Queue") }
}

extension I82599 {
    /// FCTRL
    @inlinable public static var fctrl: Register<FilterControl> { Register(0x5080, "FCTRL") }
    /// VLNCTRL
    @inlinable public static var vlnctrl: Register<VLANControl> { Register(0x5088, "VLNCTRL") }
    /// RFCTL
    @inlinable public static var rfctl: Register<ReceiveFilterControl> { Register(0x5008, "RFCTL") }
    /// MCSTCTRL: which address bits index MTA in 1:0, enable in bit 2.
    @inlinable public static var mcstctrl: Register<PlainValue> { Register(0x5090, "MCSTCTRL") }
    /// MTA: multicast table.
    @inlinable public static func mta(_ index: Int) -> Register<PlainValue> {
        Register(0x5200 + 0x4 * UInt32(truncatingIfNeeded: index), "MTA")
    }
    /// PFUTA: unicast table.
    @inlinable public static func uta(_ index: Int) -> Register<PlainValue> {
        Register(0xF400 + 0x4 * UInt32(truncatingIfNeeded: index), "PFUTA")
    }
    /// VFTA: VLAN table.
    @inlinable public static func vfta(_ index: Int) -> Register<PlainValue> {
        Register(0xA000 + 0x4 * UInt32(truncatingIfNeeded: index), "VFTA")
    }
    /// RAL: lower part of an exact-match address.
    @inlinable public static func ral(_ index: Int) -> Register<PlainValue> {
        Register(0xA200 + 0x8 * UInt32(truncatingIfNeeded: index), "RAL")
    }
    /// RAH
    @inlinable public static func rah(_ index: Int) -> Register<ReceiveAddressHigh> {
        Register(0xA204 + 0x8 * UInt32(truncatingIfNeeded: index), "RAH")
    }
    /// MPSAR: pools of an address; two words each.
    @inlinable public static func mpsar(_ index: Int) -> Register<PlainValue> {
        Register(0xA600 + 0x4 * UInt32(truncatingIfNeeded: index), "MPSAR")
    }
    /// MRQC
    @inlinable public static var mrqc: Register<MultipleQueues> { Register(0x5818, "MRQC") }
    /// RETA: four queues a word, 4 bits each.
    @inlinable public static func reta(_ index: Int) -> Register<PlainValue> {
        Register(0x5C00 + 0x4 * UInt32(truncatingIfNeeded: index), "RETA")
    }
    /// RSSRK: hash key.
    @inlinable public static func rssrk(_ index: Int) -> Register<PlainValue> {
        Register(0x5C80 + 0x4 * UInt32(truncatingIfNeeded: index), "RSSRK")
    }
    /// SAQF: source address, as on the wire.
    @inlinable public static func saqf(_ index: Int) -> Register<PlainValue> {
        Register(0xE000 + 0x4 * UInt32(truncatingIfNeeded: index), "SAQF")
    }
    /// DAQF: destination address.
    @inlinable public static func daqf(_ index: Int) -> Register<PlainValue> {
        Register(0xE200 + 0x4 * UInt32(truncatingIfNeeded: index), "DAQF")
    }
    /// SDPQF: ports as on the wire, destination above source.
    @inlinable public static func sdpqf(_ index: Int) -> Register<PlainValue> {
        Register(0xE400 + 0x4 * UInt32(truncatingIfNeeded: index), "SDPQF")
    }
    /// FTQF
    @inlinable public static func ftqf(_ index: Int) -> Register<FiveTupleFilter> {
        Register(0xE600 + 0x4 * UInt32(truncatingIfNeeded: index), "FTQF")
    }
    /// L34T_IMIR
    @inlinable public static func l34timir(_ index: Int) -> Register<FiveTupleQueue> {
        Register(0xE800 + 0x4 * UInt32(truncatingIfNeeded: index), "L34T_IMIR")
    }
    /// ETQF
    @inlinable public static func etqf(_ index: Int) -> Register<EtherTypeFilter> {
        Register(0x5128 + 0x4 * UInt32(truncatingIfNeeded: index), "ETQF")
    }
    /// ETQS
    @inlinable public static func etqs(_ index: Int) -> Register<EtherTypeQueue> {
        Register(0xEC00 + 0x4 * UInt32(truncatingIfNeeded: index), "ETQS")
    }
    /// SYNQF
    @inlinable public static var synqf: Register<SYNFilter> { Register(0xEC30, "SYNQF") }

    static var filterRegisters: [RegisterDescription] {
        [
            .init(fctrl), .init(vlnctrl), .init(rfctl), .init(mcstctrl), .init(128, mta), .init(128, uta),
            .init(128, vfta), .init(128, ral), .init(128, rah), .init(256, mpsar), .init(mrqc), .init(32, reta),
            .init(10, rssrk), .init(128, saqf), .init(128, daqf), .init(128, sdpqf), .init(128, ftqf),
            .init(128, l34timir), .init(8, etqf), .init(8, etqs), .init(synqf),
        ]
    }
}
