extension I82599 {
    /// CRCERRS: frames with a wrong FCS.
    @inlinable public static var crcerrs: Register<PlainValue> { Register(0x4000, "CRCERRS", .readClear) }
    /// RXMPC: frames lost because a packet buffer was full.
    @inlinable public static func rxmpc(_ index: Int) -> Register<PlainValue> {
        Register(0x3FA0 + 0x4 * UInt32(truncatingIfNeeded: index), "RXMPC", .readClear)
    }
    /// GPRC: good frames received.
    @inlinable public static var gprc: Register<PlainValue> { Register(0x4074, "GPRC", .readClear) }
    /// BPRC: broadcasts received.
    @inlinable public static var bprc: Register<PlainValue> { Register(0x4078, "BPRC", .readClear) }
    /// MPRC: multicasts received.
    @inlinable public static var mprc: Register<PlainValue> { Register(0x407C, "MPRC", .readClear) }
    /// GPTC: good frames sent.
    @inlinable public static var gptc: Register<PlainValue> { Register(0x4080, "GPTC", .readClear) }
    /// GORCL: bytes of good frames received, low half.
    @inlinable public static var gorcl: Register<PlainValue> { Register(0x4088, "GORCL", .readClear) }
    /// GORCH: its high half; clears both.
    @inlinable public static var gorch: Register<PlainValue> { Register(0x408C, "GORCH", .readClear) }
    /// GOTCL: bytes of good frames sent, low half.
    @inlinable public static var gotcl: Register<PlainValue> { Register(0x4090, "GOTCL", .readClear) }
    /// GOTCH: its high half; clears both.
    @inlinable public static var gotch: Register<PlainValue> { Register(0x4094, "GOTCH", .readClear) }
    /// RUC: frames shorter than 64 bytes.
    @inlinable public static var ruc: Register<PlainValue> { Register(0x40A4, "RUC", .readClear) }
    /// ROC: frames longer than allowed.
    @inlinable public static var roc: Register<PlainValue> { Register(0x40AC, "ROC", .readClear) }

    static var statisticsRegisters: [RegisterDescription] {
        [
            .init(crcerrs), .init(8, rxmpc), .init(gprc), .init(bprc), .init(mprc), .init(gptc), .init(gorcl),
            .init(gorch), .init(gotcl), .init(gotch), .init(ruc), .init(roc),
        ]
    }
}
