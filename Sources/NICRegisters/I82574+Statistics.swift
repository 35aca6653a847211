// Statistics that the 82576 has not, or has under another name: a read clears the counter.

extension I82574 {
    /// SEC: sequence errors.
    @inlinable public static var sec: Register<PlainValue> { Register(0x4038, "SEC", .readClear) }
    /// CEXTERR: carrier extension errors.
    @inlinable public static var cexterr: Register<PlainValue> { Register(0x403C, "CEXTERR", .readClear) }
    /// TSCTFC: segmentation contexts that failed.
    @inlinable public static var tsctfc: Register<PlainValue> { Register(0x40FC, "TSCTFC", .readClear) }
    /// ICRXPTC: interrupts by the receive delay.
    @inlinable public static var icrxptc: Register<PlainValue> { Register(0x4104, "ICRXPTC", .readClear) }
    /// ICRXATC: interrupts by the absolute receive delay.
    @inlinable public static var icrxatc: Register<PlainValue> { Register(0x4108, "ICRXATC", .readClear) }
    /// ICTXPTC: interrupts by the transmit delay.
    @inlinable public static var ictxptc: Register<PlainValue> { Register(0x410C, "ICTXPTC", .readClear) }
    /// ICTXATC: interrupts by the absolute transmit delay.
    @inlinable public static var ictxatc: Register<PlainValue> { Register(0x4110, "ICTXATC", .readClear) }
    /// ICTXQEC: interrupts by an empty transmit queue.
    @inlinable public static var ictxqec: Register<PlainValue> { Register(0x4118, "ICTXQEC", .readClear) }
    /// ICTXQMTC: interrupts by few transmit descriptors.
    @inlinable public static var ictxqmtc: Register<PlainValue> { Register(0x411C, "ICTXQMTC", .readClear) }
    /// ICRXDMTC: interrupts by few receive descriptors.
    @inlinable public static var icrxdmtc: Register<PlainValue> { Register(0x4120, "ICRXDMTC", .readClear) }
    /// ICRXOC: interrupts by an overrun.
    @inlinable public static var icrxoc: Register<PlainValue> { Register(0x4124, "ICRXOC", .readClear) }

    static var statisticsRegisters: [RegisterDescription] {
        [
            .init(crcerrs), .init(algnerrc), .init(symerrs), .init(rxerrc), .init(mpc), .init(scc), .init(ecol),
            .init(mcc), .init(latecol), .init(colc), .init(dc), .init(tncrs), .init(sec), .init(cexterr), .init(rlec),
            .init(xonrxc), .init(xontxc), .init(xoffrxc), .init(xofftxc), .init(fcruc), .init(prc64), .init(prc127),
            .init(prc255), .init(prc511), .init(prc1023), .init(prc1522), .init(gprc), .init(bprc), .init(mprc),
            .init(gptc), .init(gorcl), .init(gorch), .init(gotcl), .init(gotch), .init(rnbc), .init(ruc), .init(rfc),
            .init(roc), .init(rjc), .init(mngprc), .init(mngpdc), .init(mngptc), .init(torl), .init(torh), .init(totl),
            .init(toth), .init(tpr), .init(tpt), .init(ptc64), .init(ptc127), .init(ptc255), .init(ptc511),
            .init(ptc1023), .init(ptc1522), .init(mptc), .init(bptc), .init(tsctc), .init(tsctfc), .init(iac),
            .init(icrxptc), .init(icrxatc), .init(ictxptc), .init(ictxatc), .init(ictxqec), .init(ictxqmtc),
            .init(icrxdmtc), .init(icrxoc),
        ]
    }
}
