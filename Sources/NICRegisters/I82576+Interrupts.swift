extension I82576 {
    /// ICR, ICS, IMS, IMC and IAM: legacy and MSI causes.
    @frozen public struct InterruptCause: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [
                .transmitDone, .linkChange, .receiveThreshold, .receiveOverrun, .receiveDone, .outOfSync, .resetDone,
                .asserted,
            ])
        }
    }

    /// GPIE: general purpose interrupt enable.
    @frozen public struct InterruptMode: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.clearOnRead, .multipleMSIX, .autoMaskEnable, .pendingBits])
        }
    }

    /// IVAR: vectors of queues q and q + 8, an entry a byte.
    @frozen public struct InterruptAllocation: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(fields: [.receiveLow, .transmitLow, .receiveHigh, .transmitHigh])
        }
    }

    /// EITR: interrupt throttle of a vector.
    @frozen public struct InterruptThrottle: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.keepCounter], fields: [.interval])
        }
    }
}

extension Flag<I82576.InterruptCause> {
    /// TXDW, bit 0: a transmit descriptor was written back.
    @inlinable public static var transmitDone: Self { Flag(0, "TXDW") }
    /// LSC, bit 2: link status change.
    @inlinable public static var linkChange: Self { Flag(2, "LSC") }
    /// RXDMT0, bit 4: few free receive descriptors.
    @inlinable public static var receiveThreshold: Self { Flag(4, "RXDMT0") }
    /// RXO, bit 6: the receive FIFO overran.
    @inlinable public static var receiveOverrun: Self { Flag(6, "RXO") }
    /// RXDW, bit 7: a receive descriptor was written back.
    @inlinable public static var receiveDone: Self { Flag(7, "RXDW") }
    /// DOUTSYNC, bit 28: DMA lost synchronization.
    @inlinable public static var outOfSync: Self { Flag(28, "DOUTSYNC") }
    /// DRSTA, bit 30: the device was reset.
    @inlinable public static var resetDone: Self { Flag(30, "DRSTA") }
    /// INT_ASSERTED, bit 31: an interrupt was sent for the causes read.
    @inlinable public static var asserted: Self { Flag(31, "INT_ASSERTED") }
}

extension Flag<I82576.InterruptMode> {
    /// NSICR, bit 0: every read of ICR clears it.
    @inlinable public static var clearOnRead: Self { Flag(0, "NSICR") }
    /// Multiple_MSIX, bit 4: vectors by IVAR; set it before the other interrupt registers.
    @inlinable public static var multipleMSIX: Self { Flag(4, "Multiple_MSIX") }
    /// EIAME, bit 30: EIAM applies.
    @inlinable public static var autoMaskEnable: Self { Flag(30, "EIAME") }
    /// PBA_support, bit 31.
    @inlinable public static var pendingBits: Self { Flag(31, "PBA_support") }
}

extension Field<I82576.InterruptAllocation> {
    /// Receive queue q: bit 7 is VALID, the rest the vector.
    @inlinable public static var receiveLow: Self { Field(low: 0, width: 8, "INT_Alloc_RX_n") }
    /// Transmit queue q.
    @inlinable public static var transmitLow: Self { Field(low: 8, width: 8, "INT_Alloc_TX_n") }
    /// Receive queue q + 8.
    @inlinable public static var receiveHigh: Self { Field(low: 16, width: 8, "INT_Alloc_RX_n+8") }
    /// Transmit queue q + 8.
    @inlinable public static var transmitHigh: Self { Field(low: 24, width: 8, "INT_Alloc_TX_n+8") }
}

extension Flag<I82576.InterruptThrottle> {
    /// CNT_INGR, bit 31: a write leaves the counter alone.
    @inlinable public static var keepCounter: Self { Flag(31, "CNT_INGR") }
}

extension Field<I82576.InterruptThrottle> {
    /// Interval, bits 14:2.
    @inlinable public static var interval: Self { Field(low: 2, width: 13, "Interval") }
}

extension I82576 {
    /// ICR: causes; see the datasheet for when a read clears.
    @inlinable public static var icr: Register<InterruptCause> { Register(0x00C0, "ICR", .writeOneClear) }
    /// ICS: sets causes.
    @inlinable public static var ics: Register<InterruptCause> { Register(0x00C8, "ICS", .writeOneSet) }
    /// IMS: sets mask bits, reads the mask.
    @inlinable public static var ims: Register<InterruptCause> { Register(0x00D0, "IMS", .writeOneSet) }
    /// IMC: clears mask bits.
    @inlinable public static var imc: Register<InterruptCause> { Register(0x00D8, "IMC", .writeOnly) }
    /// IAM: mask bits that a read of ICR clears.
    @inlinable public static var iam: Register<InterruptCause> { Register(0x00E0, "IAM") }
    /// GPIE
    @inlinable public static var gpie: Register<InterruptMode> { Register(0x1514, "GPIE") }
    /// EICS: sets vectors.
    @inlinable public static var eics: Register<PlainValue> { Register(0x1520, "EICS", .writeOneSet) }
    /// EIMS: enables vectors, reads the mask.
    @inlinable public static var eims: Register<PlainValue> { Register(0x1524, "EIMS", .writeOneSet) }
    /// EIMC: disables vectors.
    @inlinable public static var eimc: Register<PlainValue> { Register(0x1528, "EIMC", .writeOnly) }
    /// EIAC: vectors that clear themselves.
    @inlinable public static var eiac: Register<PlainValue> { Register(0x152C, "EIAC") }
    /// EIAM: vectors that mask themselves.
    @inlinable public static var eiam: Register<PlainValue> { Register(0x1530, "EIAM") }
    /// EICR: pending vectors.
    @inlinable public static var eicr: Register<PlainValue> { Register(0x1580, "EICR", .writeOneClear) }
    /// EITR
    @inlinable public static func eitr(_ vector: Int) -> Register<InterruptThrottle> {
        Register(0x1680 + 0x4 * UInt32(truncatingIfNeeded: vector), "EITR")
    }
    /// IVAR: entry `index` is for queues `index` and `index + 8`.
    @inlinable public static func ivar(_ index: Int) -> Register<InterruptAllocation> {
        Register(0x1700 + 0x4 * UInt32(truncatingIfNeeded: index), "IVAR")
    }
    /// IVAR_MISC: TCP timer in byte 0, other causes in byte 1.
    @inlinable public static var ivarMisc: Register<PlainValue> { Register(0x1740, "IVAR_MISC") }

    static var interruptRegisters: [RegisterDescription] {
        [
            .init(icr), .init(ics), .init(ims), .init(imc), .init(iam), .init(gpie), .init(eics), .init(eims),
            .init(eimc), .init(eiac), .init(eiam), .init(eicr), .init(25, eitr), .init(8, ivar), .init(ivarMisc),
        ]
    }
}
