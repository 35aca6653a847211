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
        commonStatisticsRegisters + [
            .init(htdpmc), .init(rpthc), .init(hgptc), .init(rxdmtc), .init(hgorcl), .init(hgorch), .init(hgotcl),
            .init(hgotch), .init(lenerrs),
        ]
    }
}
