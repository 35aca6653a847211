extension I82599 {
    /// FDIRCTRL: flow director control.
    @frozen public struct FlowDirectorControl: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [.initDone, .perfectMatch, .reportStatus],
                fields: [.memory, .dropQueue, .flexOffset, .maximumLength, .fullThreshold])
        }
    }

    /// FDIRM: what all filters ignore.
    @frozen public struct FlowDirectorMask: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.vlanID, .vlanPriority, .pool, .transport, .flexible, .ipv6])
        }
    }

    /// FDIRHASH: bucket and name of a filter.
    @frozen public struct FlowDirectorHash: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(fields: [.bucket, .identifier])
        }
    }

    /// FDIRCMD: adds, removes and looks up filters.
    @frozen public struct FlowDirectorCommand: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [.valid, .update, .clearTable, .drop, .last, .queueEnable],
                fields: [.command, .flowType, .queue, .pool])
        }
    }
}

extension Flag<I82599.FlowDirectorControl> {
    /// INIT_DONE, bit 3.
    @inlinable public static var initDone: Self { Flag(3, "INIT_DONE") }
    /// PERFECT_MATCH, bit 4: filters and not hashes.
    @inlinable public static var perfectMatch: Self { Flag(4, "PERFECT_MATCH") }
    /// REPORT_STATUS, bit 5: descriptors say what matched.
    @inlinable public static var reportStatus: Self { Flag(5, "REPORT_STATUS") }
}

extension Field<I82599.FlowDirectorControl> {
    /// PBALLOC, bits 1:0: 1 is 64 KiB and 2046 filters, 2 twice that, 3 four times.
    @inlinable public static var memory: Self { Field(low: 0, width: 2, "PBALLOC") }
    /// DROP_Q, bits 14:8.
    @inlinable public static var dropQueue: Self { Field(low: 8, width: 7, "DROP_Q") }
    /// FLEX, bits 20:16: in words of the frame.
    @inlinable public static var flexOffset: Self { Field(low: 16, width: 5, "FLEX") }
    /// MAX_LENGTH, bits 27:24: of a bucket.
    @inlinable public static var maximumLength: Self { Field(low: 24, width: 4, "MAX_LENGTH") }
    /// FULL_THRESH, bits 31:28.
    @inlinable public static var fullThreshold: Self { Field(low: 28, width: 4, "FULL_THRESH") }
}

extension Flag<I82599.FlowDirectorMask> {
    /// VLANID, bit 0.
    @inlinable public static var vlanID: Self { Flag(0, "VLANID") }
    /// VLANP, bit 1.
    @inlinable public static var vlanPriority: Self { Flag(1, "VLANP") }
    /// POOL, bit 2.
    @inlinable public static var pool: Self { Flag(2, "POOL") }
    /// L4P, bit 3.
    @inlinable public static var transport: Self { Flag(3, "L4P") }
    /// FLEX, bit 4.
    @inlinable public static var flexible: Self { Flag(4, "FLEX") }
    /// DIPv6, bit 5.
    @inlinable public static var ipv6: Self { Flag(5, "DIPv6") }
}

extension Field<I82599.FlowDirectorHash> {
    /// Hash, bits 12:0.
    @inlinable public static var bucket: Self { Field(low: 0, width: 13, "Hash") }
    /// SIG_SW_INDEX, bits 30:16: the filter's name.
    @inlinable public static var identifier: Self { Field(low: 16, width: 15, "SIG_SW_INDEX") }
}

extension Flag<I82599.FlowDirectorCommand> {
    /// FILTER_VALID, bit 2.
    @inlinable public static var valid: Self { Flag(2, "FILTER_VALID") }
    /// FILTER_UPDATE, bit 3.
    @inlinable public static var update: Self { Flag(3, "FILTER_UPDATE") }
    /// CLEARHT, bit 8.
    @inlinable public static var clearTable: Self { Flag(8, "CLEARHT") }
    /// DROP, bit 9.
    @inlinable public static var drop: Self { Flag(9, "DROP") }
    /// LAST, bit 11.
    @inlinable public static var last: Self { Flag(11, "LAST") }
    /// QUEUE_EN, bit 15.
    @inlinable public static var queueEnable: Self { Flag(15, "QUEUE_EN") }
}

extension Field<I82599.FlowDirectorCommand> {
    /// CMD, bits 1:0: 1 adds, 2 removes, 3 queries; 0 when done.
    @inlinable public static var command: Self { Field(low: 0, width: 2, "CMD") }
    /// FLOW_TYPE, bits 6:5: 1 is UDP, 2 TCP, 3 SCTP over IPv4.
    @inlinable public static var flowType: Self { Field(low: 5, width: 2, "FLOW_TYPE") }
    /// RX_QUEUE, bits 22:16.
    @inlinable public static var queue: Self { Field(low: 16, width: 7, "RX_QUEUE") }
    /// POOL, bits 29:24.
    @inlinable public static var pool: Self { Field(low: 24, width: 6, "POOL") }
}

extension I82599 {
    /// FDIRCTRL
    @inlinable public static var fdirctrl: Register<FlowDirectorControl> { Register(0xEE00, "FDIRCTRL") }
    /// FDIRHKEY: key of the buckets.
    @inlinable public static var fdirhkey: Register<PlainValue> { Register(0xEE68, "FDIRHKEY") }
    /// FDIRSKEY: key of the signatures.
    @inlinable public static var fdirskey: Register<PlainValue> { Register(0xEE6C, "FDIRSKEY") }
    /// FDIRSIPv6
    @inlinable public static func fdirsipv6(_ index: Int) -> Register<PlainValue> {
        Register(0xEE0C + 0x4 * UInt32(truncatingIfNeeded: index), "FDIRSIPv6")
    }
    /// FDIRIPSA: source address, as a number.
    @inlinable public static var fdiripsa: Register<PlainValue> { Register(0xEE18, "FDIRIPSA") }
    /// FDIRIPDA: destination address, as a number.
    @inlinable public static var fdiripda: Register<PlainValue> { Register(0xEE1C, "FDIRIPDA") }
    /// FDIRPORT: destination port above source port.
    @inlinable public static var fdirport: Register<PlainValue> { Register(0xEE20, "FDIRPORT") }
    /// FDIRVLAN: flexible bytes above VLAN.
    @inlinable public static var fdirvlan: Register<PlainValue> { Register(0xEE24, "FDIRVLAN") }
    /// FDIRHASH
    @inlinable public static var fdirhash: Register<FlowDirectorHash> { Register(0xEE28, "FDIRHASH") }
    /// FDIRCMD
    @inlinable public static var fdircmd: Register<FlowDirectorCommand> { Register(0xEE2C, "FDIRCMD") }
    /// FDIRFREE: free filters.
    @inlinable public static var fdirfree: Register<PlainValue> { Register(0xEE38, "FDIRFREE") }
    /// FDIRDIP4M: destination address bits that are ignored.
    @inlinable public static var fdirdip4m: Register<PlainValue> { Register(0xEE3C, "FDIRDIP4M") }
    /// FDIRSIP4M: source address bits that are ignored.
    @inlinable public static var fdirsip4m: Register<PlainValue> { Register(0xEE40, "FDIRSIP4M") }
    /// FDIRTCPM: port bits that are ignored.
    @inlinable public static var fdirtcpm: Register<PlainValue> { Register(0xEE44, "FDIRTCPM") }
    /// FDIRUDPM: port bits that are ignored.
    @inlinable public static var fdirudpm: Register<PlainValue> { Register(0xEE48, "FDIRUDPM") }
    /// FDIRMATCH: frames that matched.
    @inlinable public static var fdirmatch: Register<PlainValue> { Register(0xEE58, "FDIRMATCH", .readClear) }
    /// FDIRMISS: frames that did not.
    @inlinable public static var fdirmiss: Register<PlainValue> { Register(0xEE5C, "FDIRMISS", .readClear) }
    /// FDIRM
    @inlinable public static var fdirm: Register<FlowDirectorMask> { Register(0xEE70, "FDIRM") }

    static var flowDirectorRegisters: [RegisterDescription] {
        [
            .init(fdirctrl), .init(fdirhkey), .init(fdirskey), .init(3, fdirsipv6), .init(fdiripsa), .init(fdiripda),
            .init(fdirport), .init(fdirvlan), .init(fdirhash), .init(fdircmd), .init(fdirfree), .init(fdirdip4m),
            .init(fdirsip4m), .init(fdirtcpm), .init(fdirudpm), .init(fdirmatch), .init(fdirmiss), .init(fdirm),
        ]
    }
}
