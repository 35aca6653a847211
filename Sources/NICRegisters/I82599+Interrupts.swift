extension I82599 {
    /// GPIE: general purpose interrupt enable.
    @frozen public struct InterruptMode: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [.multipleMSIX, .autoMaskEnable, .pendingBits])
        }
    }

    /// IVAR: vectors of two queues, an entry a byte; bit 7 is VALID, the rest the vector.
    @frozen public struct InterruptAllocation: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(fields: [.receiveEven, .transmitEven, .receiveOdd, .transmitOdd])
        }
    }
}

extension Flag<I82599.InterruptMode> {
    /// Multiple_MSIX, bit 4: vectors by IVAR; set it before the other interrupt registers.
    @inlinable public static var multipleMSIX: Self { Flag(4, "Multiple_MSIX") }
    /// EIAME, bit 30: EIAM applies.
    @inlinable public static var autoMaskEnable: Self { Flag(30, "EIAME") }
    /// PBA_support, bit 31.
    @inlinable public static var pendingBits: Self { Flag(31, "PBA_support") }
}

extension Field<I82599.InterruptAllocation> {
    /// Receive queue 2i.
    @inlinable public static var receiveEven: Self { Field(low: 0, width: 8, "RECEIVE_EVEN") }
    /// Transmit queue 2i.
    @inlinable public static var transmitEven: Self { Field(low: 8, width: 8, "TRANSMIT_EVEN") }
    /// Receive queue 2i + 1.
    @inlinable public static var receiveOdd: Self { Field(low: 16, width: 8, "RECEIVE_ODD") }
    /// Transmit queue 2i + 1.
    @inlinable public static var transmitOdd: Self { Field(low: 24, width: 8, "TRANSMIT_ODD") }
}

extension I82599 {
    /// EICR: pending causes.
    @inlinable public static var eicr: Register<PlainValue> { Register(0x0800, "EICR", .writeOneClear) }
    /// EICS: sets causes.
    @inlinable public static var eics: Register<PlainValue> { Register(0x0808, "EICS", .writeOneSet) }
    /// EIMS: enables causes, reads the mask.
    @inlinable public static var eims: Register<PlainValue> { Register(0x0880, "EIMS", .writeOneSet) }
    /// EIMC: disables causes.
    @inlinable public static var eimc: Register<PlainValue> { Register(0x0888, "EIMC", .writeOnly) }
    /// EIAC: causes that clear themselves.
    @inlinable public static var eiac: Register<PlainValue> { Register(0x0810, "EIAC") }
    /// EIAM: causes that mask themselves.
    @inlinable public static var eiam: Register<PlainValue> { Register(0x0890, "EIAM") }
    /// GPIE
    @inlinable public static var gpie: Register<InterruptMode> { Register(0x0898, "GPIE") }
    /// EITR: interrupt throttle of a vector; an interval of 2 us units in bits 11:3.
    @inlinable public static func eitr(_ vector: Int) -> Register<PlainValue> {
        Register(
            vector < 24
                ? 0x0820 + 0x4 * UInt32(truncatingIfNeeded: vector)
                : 0x12300 + 0x4 * UInt32(truncatingIfNeeded: vector &- 24), "EITR")
    }
    /// EIMC_EX: disables vectors 0 to 31 and 32 to 63.
    @inlinable public static func eimcEx(_ index: Int) -> Register<PlainValue> {
        Register(0x0AB0 + 0x4 * UInt32(truncatingIfNeeded: index), "EIMC_EX", .writeOnly)
    }
    /// EIMS_EX: enables vectors.
    @inlinable public static func eimsEx(_ index: Int) -> Register<PlainValue> {
        Register(0x0AA0 + 0x4 * UInt32(truncatingIfNeeded: index), "EIMS_EX", .writeOneSet)
    }
    /// IVAR: entry `index` is for queues 2 * `index` and the one after.
    @inlinable public static func ivar(_ index: Int) -> Register<InterruptAllocation> {
        Register(0x0900 + 0x4 * UInt32(truncatingIfNeeded: index), "IVAR")
    }
    /// IVAR_MISC: TCP timer in byte 0, other causes in byte 1.
    @inlinable public static var ivarMisc: Register<PlainValue> { Register(0x0A00, "IVAR_MISC") }

    static var interruptRegisters: [RegisterDescription] {
        [
            .init(eicr), .init(eics), .init(eims), .init(eimc), .init(eiac), .init(eiam), .init(gpie), .init(24, eitr),
            .init(40, from: 24, eitr), .init(2, eimcEx), .init(2, eimsEx), .init(64, ivar), .init(ivarMisc),
        ]
    }
}
