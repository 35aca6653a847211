extension I82574 {
    /// ICR, ICS, IMS, IMC, IAM and EIAC: causes.
    @frozen public struct InterruptCause: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(flags: [
                .transmitDone, .transmitEmpty, .linkChange, .receiveSequence, .receiveThreshold, .receiveOverrun,
                .receiveTimer, .phyAccessDone, .transmitLow, .smallPacket, .acknowledgement, .management,
                .receiveQueue0, .receiveQueue1, .transmitQueue0, .transmitQueue1, .other, .asserted,
            ])
        }
    }

    /// IVAR: which vector each cause takes; bit 3 of each field says that it is valid.
    @frozen public struct InterruptAllocation: RegisterValue, Hashable {
        public var rawValue: UInt32
        @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static var fields: [RegisterField] {
            list(
                flags: [.everyTransmit],
                fields: [.receiveQueue0, .receiveQueue1, .transmitQueue0, .transmitQueue1, .other])
        }
    }
}

extension Flag<I82574.InterruptCause> {
    /// TXDW, bit 0: a transmit descriptor was written back.
    @inlinable public static var transmitDone: Self { Flag(0, "TXDW") }
    /// TXQE, bit 1: the transmit queue is empty.
    @inlinable public static var transmitEmpty: Self { Flag(1, "TXQE") }
    /// LSC, bit 2: link status change.
    @inlinable public static var linkChange: Self { Flag(2, "LSC") }
    /// RXSEQ, bit 3: receive sequence error.
    @inlinable public static var receiveSequence: Self { Flag(3, "RXSEQ") }
    /// RXDMT0, bit 4: few free receive descriptors.
    @inlinable public static var receiveThreshold: Self { Flag(4, "RXDMT0") }
    /// RXO, bit 6: the receive FIFO overran, or a frame found no descriptor.
    @inlinable public static var receiveOverrun: Self { Flag(6, "RXO") }
    /// RXT0, bit 7: the receive timer expired: frames wait.
    @inlinable public static var receiveTimer: Self { Flag(7, "RXT0") }
    /// MDAC, bit 9: an access to the PHY is complete.
    @inlinable public static var phyAccessDone: Self { Flag(9, "MDAC") }
    /// TXD_LOW, bit 15: few transmit descriptors left.
    @inlinable public static var transmitLow: Self { Flag(15, "TXD_LOW") }
    /// SRPD, bit 16: a small frame was received.
    @inlinable public static var smallPacket: Self { Flag(16, "SRPD") }
    /// ACK, bit 17: an acknowledgement was received.
    @inlinable public static var acknowledgement: Self { Flag(17, "ACK") }
    /// MNG, bit 18: management event.
    @inlinable public static var management: Self { Flag(18, "MNG") }
    /// RXQ0, bit 20: receive queue 0 (MSI-X).
    @inlinable public static var receiveQueue0: Self { Flag(20, "RXQ0") }
    /// RXQ1, bit 21: receive queue 1 (MSI-X).
    @inlinable public static var receiveQueue1: Self { Flag(21, "RXQ1") }
    /// TXQ0, bit 22: transmit queue 0 (MSI-X).
    @inlinable public static var transmitQueue0: Self { Flag(22, "TXQ0") }
    /// TXQ1, bit 23: transmit queue 1 (MSI-X).
    @inlinable public static var transmitQueue1: Self { Flag(23, "TXQ1") }
    /// OTHER, bit 24: one of the causes without a vector of its own (MSI-X).
    @inlinable public static var other: Self { Flag(24, "OTHER") }
    /// INT_ASSERTED, bit 31: an interrupt was sent for the causes read.
    @inlinable public static var asserted: Self { Flag(31, "INT_ASSERTED") }
}

extension Flag<I82574.InterruptAllocation> {
    /// INT_ON_ALL_WRITEBACKS, bit 31: every transmit write-back interrupts.
    @inlinable public static var everyTransmit: Self { Flag(31, "INT_ON_ALL_WRITEBACKS") }
}

extension Field<I82574.InterruptAllocation> {
    /// INT_ALLOC RXQ0, bits 3:0: the vector in 2:0, valid in 3; the other fields alike.
    @inlinable public static var receiveQueue0: Self { Field(low: 0, width: 4, "INT_ALLOC_RXQ0") }
    /// RXQ1, bits 7:4.
    @inlinable public static var receiveQueue1: Self { Field(low: 4, width: 4, "RXQ1") }
    /// TXQ0, bits 11:8.
    @inlinable public static var transmitQueue0: Self { Field(low: 8, width: 4, "TXQ0") }
    /// TXQ1, bits 15:12.
    @inlinable public static var transmitQueue1: Self { Field(low: 12, width: 4, "TXQ1") }
    /// Other causes, bits 19:16.
    @inlinable public static var other: Self { Field(low: 16, width: 4, "Other_causes") }
}

extension I82574 {
    /// ICR: causes; see the datasheet for when a read clears.
    @inlinable public static var icr: Register<InterruptCause> { Register(0x00C0, "ICR", .writeOneClear) }
    /// ITR: throttle of the one interrupt without MSI-X, in units of 256 ns.
    @inlinable public static var itr: Register<PlainValue> { Register(0x00C4, "ITR") }
    /// ICS: sets causes.
    @inlinable public static var ics: Register<InterruptCause> { Register(0x00C8, "ICS", .writeOneSet) }
    /// IMS: sets mask bits, reads the mask.
    @inlinable public static var ims: Register<InterruptCause> { Register(0x00D0, "IMS", .writeOneSet) }
    /// IMC: clears mask bits.
    @inlinable public static var imc: Register<InterruptCause> { Register(0x00D8, "IMC", .writeOnly) }
    /// EIAC: causes that clear themselves when their vector fires; bits 24:20.
    @inlinable public static var eiac: Register<InterruptCause> { Register(0x00DC, "EIAC") }
    /// IAM: mask bits that clear themselves.
    @inlinable public static var iam: Register<InterruptCause> { Register(0x00E0, "IAM") }
    /// IVAR
    @inlinable public static var ivar: Register<InterruptAllocation> { Register(0x00E4, "IVAR") }
    /// EITR: throttle of a vector, in units of 256 ns.
    @inlinable public static func eitr(_ vector: Int) -> Register<PlainValue> {
        Register(0x00E8 + 0x4 * UInt32(truncatingIfNeeded: vector), "EITR")
    }

    static var interruptRegisters: [RegisterDescription] {
        [
            .init(icr), .init(itr), .init(ics), .init(ims), .init(imc), .init(eiac), .init(iam), .init(ivar),
            .init(vectorCount, eitr),
        ]
    }
}
