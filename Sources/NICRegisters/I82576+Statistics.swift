// Statistics: a read clears the counter (82576 datasheet, section 8.19).

extension I82576 {
    /// HTDPMC: frames discarded by the MAC.
    @inlinable public static var htdpmc: Register<PlainValue> { Register(0x403C, "HTDPMC", .readClear) }
    /// RPTHC: frames received to the host.
    @inlinable public static var rpthc: Register<PlainValue> { Register(0x4104, "RPTHC", .readClear) }
    /// HGPTC: frames sent by the host.
    @inlinable public static var hgptc: Register<PlainValue> { Register(0x4118, "HGPTC", .readClear) }
    /// RXDMTC: low-descriptor events.
    @inlinable public static var rxdmtc: Register<PlainValue> { Register(0x4120, "RXDMTC", .readClear) }
    /// HGORCL: bytes received to the host, low half.
    @inlinable public static var hgorcl: Register<PlainValue> { Register(0x4128, "HGORCL", .readClear) }
    /// HGORCH: high half; reading it clears both.
    @inlinable public static var hgorch: Register<PlainValue> { Register(0x412C, "HGORCH", .readClear) }
    /// HGOTCL: bytes sent by the host, low half.
    @inlinable public static var hgotcl: Register<PlainValue> { Register(0x4130, "HGOTCL", .readClear) }
    /// HGOTCH: high half; reading it clears both.
    @inlinable public static var hgotch: Register<PlainValue> { Register(0x4134, "HGOTCH", .readClear) }
    /// LENERRS: length errors.
    @inlinable public static var lenerrs: Register<PlainValue> { Register(0x4138, "LENERRS", .readClear) }

    static var statisticsRegisters: [RegisterDescription] {
        [
            .init(crcerrs), .init(algnerrc), .init(symerrs), .init(rxerrc), .init(mpc), .init(scc), .init(ecol),
            .init(mcc), .init(latecol), .init(colc), .init(dc), .init(tncrs), .init(htdpmc), .init(rlec),
            .init(xonrxc), .init(xontxc), .init(xoffrxc), .init(xofftxc), .init(fcruc), .init(prc64), .init(prc127),
            .init(prc255), .init(prc511), .init(prc1023), .init(prc1522), .init(gprc), .init(bprc), .init(mprc),
            .init(gptc), .init(gorcl), .init(gorch), .init(gotcl), .init(gotch), .init(rnbc), .init(ruc), .init(rfc),
            .init(roc), .init(rjc), .init(mngprc), .init(mngpdc), .init(mngptc), .init(torl), .init(torh),
            .init(totl), .init(toth), .init(tpr), .init(tpt), .init(ptc64), .init(ptc127), .init(ptc255),
            .init(ptc511), .init(ptc1023), .init(ptc1522), .init(mptc), .init(bptc), .init(tsctc), .init(iac),
            .init(rpthc), .init(hgptc), .init(rxdmtc), .init(hgorcl), .init(hgorch), .init(hgotcl), .init(hgotch),
            .init(lenerrs),
        ]
    }
}
