// Statistics: a read clears the counter (82576 datasheet, section 8.19).

extension Intel8257xRegisters {
    /// CRCERRS: frames with a bad check sequence.
    @inlinable public static var crcerrs: Register<PlainValue> { Register(0x4000, "CRCERRS", .readClear) }
    /// ALGNERRC: alignment errors.
    @inlinable public static var algnerrc: Register<PlainValue> { Register(0x4004, "ALGNERRC", .readClear) }
    /// SYMERRS: symbol errors.
    @inlinable public static var symerrs: Register<PlainValue> { Register(0x4008, "SYMERRS", .readClear) }
    /// RXERRC: receive errors of the PHY.
    @inlinable public static var rxerrc: Register<PlainValue> { Register(0x400C, "RXERRC", .readClear) }
    /// MPC: frames missed: no room in the receive FIFO.
    @inlinable public static var mpc: Register<PlainValue> { Register(0x4010, "MPC", .readClear) }
    /// SCC: single collisions.
    @inlinable public static var scc: Register<PlainValue> { Register(0x4014, "SCC", .readClear) }
    /// ECOL: excessive collisions.
    @inlinable public static var ecol: Register<PlainValue> { Register(0x4018, "ECOL", .readClear) }
    /// MCC: multiple collisions.
    @inlinable public static var mcc: Register<PlainValue> { Register(0x401C, "MCC", .readClear) }
    /// LATECOL: late collisions.
    @inlinable public static var latecol: Register<PlainValue> { Register(0x4020, "LATECOL", .readClear) }
    /// COLC: collisions.
    @inlinable public static var colc: Register<PlainValue> { Register(0x4028, "COLC", .readClear) }
    /// DC: deferrals.
    @inlinable public static var dc: Register<PlainValue> { Register(0x4030, "DC", .readClear) }
    /// TNCRS: transmissions without carrier sense.
    @inlinable public static var tncrs: Register<PlainValue> { Register(0x4034, "TNCRS", .readClear) }
    /// RLEC: length errors.
    @inlinable public static var rlec: Register<PlainValue> { Register(0x4040, "RLEC", .readClear) }
    /// XONRXC: XON received.
    @inlinable public static var xonrxc: Register<PlainValue> { Register(0x4048, "XONRXC", .readClear) }
    /// XONTXC: XON sent.
    @inlinable public static var xontxc: Register<PlainValue> { Register(0x404C, "XONTXC", .readClear) }
    /// XOFFRXC: XOFF received.
    @inlinable public static var xoffrxc: Register<PlainValue> { Register(0x4050, "XOFFRXC", .readClear) }
    /// XOFFTXC: XOFF sent.
    @inlinable public static var xofftxc: Register<PlainValue> { Register(0x4054, "XOFFTXC", .readClear) }
    /// FCRUC: unsupported flow control frames.
    @inlinable public static var fcruc: Register<PlainValue> { Register(0x4058, "FCRUC", .readClear) }
    /// PRC64: good frames of 64 bytes, check sequence included.
    @inlinable public static var prc64: Register<PlainValue> { Register(0x405C, "PRC64", .readClear) }
    /// PRC127: of 65 to 127 bytes.
    @inlinable public static var prc127: Register<PlainValue> { Register(0x4060, "PRC127", .readClear) }
    /// PRC255: of 128 to 255 bytes.
    @inlinable public static var prc255: Register<PlainValue> { Register(0x4064, "PRC255", .readClear) }
    /// PRC511: of 256 to 511 bytes.
    @inlinable public static var prc511: Register<PlainValue> { Register(0x4068, "PRC511", .readClear) }
    /// PRC1023: of 512 to 1023 bytes.
    @inlinable public static var prc1023: Register<PlainValue> { Register(0x406C, "PRC1023", .readClear) }
    /// PRC1522: of 1024 bytes or more.
    @inlinable public static var prc1522: Register<PlainValue> { Register(0x4070, "PRC1522", .readClear) }
    /// GPRC: good frames received.
    @inlinable public static var gprc: Register<PlainValue> { Register(0x4074, "GPRC", .readClear) }
    /// BPRC: good broadcast frames.
    @inlinable public static var bprc: Register<PlainValue> { Register(0x4078, "BPRC", .readClear) }
    /// MPRC: good multicast frames.
    @inlinable public static var mprc: Register<PlainValue> { Register(0x407C, "MPRC", .readClear) }
    /// GPTC: good frames sent.
    @inlinable public static var gptc: Register<PlainValue> { Register(0x4080, "GPTC", .readClear) }
    /// GORCL: good bytes received, check sequences included, low half.
    @inlinable public static var gorcl: Register<PlainValue> { Register(0x4088, "GORCL", .readClear) }
    /// GORCH: high half; reading it clears both.
    @inlinable public static var gorch: Register<PlainValue> { Register(0x408C, "GORCH", .readClear) }
    /// GOTCL: good bytes sent, low half.
    @inlinable public static var gotcl: Register<PlainValue> { Register(0x4090, "GOTCL", .readClear) }
    /// GOTCH: high half; reading it clears both.
    @inlinable public static var gotch: Register<PlainValue> { Register(0x4094, "GOTCH", .readClear) }
    /// RNBC: frames that found no receive buffer.
    @inlinable public static var rnbc: Register<PlainValue> { Register(0x40A0, "RNBC", .readClear) }
    /// RUC: undersized frames.
    @inlinable public static var ruc: Register<PlainValue> { Register(0x40A4, "RUC", .readClear) }
    /// RFC: fragments (undersized, bad check sequence).
    @inlinable public static var rfc: Register<PlainValue> { Register(0x40A8, "RFC", .readClear) }
    /// ROC: oversized frames.
    @inlinable public static var roc: Register<PlainValue> { Register(0x40AC, "ROC", .readClear) }
    /// RJC: jabber (oversized, bad check sequence).
    @inlinable public static var rjc: Register<PlainValue> { Register(0x40B0, "RJC", .readClear) }
    /// MNGPRC: management frames received.
    @inlinable public static var mngprc: Register<PlainValue> { Register(0x40B4, "MNGPRC", .readClear) }
    /// MNGPDC: management frames dropped.
    @inlinable public static var mngpdc: Register<PlainValue> { Register(0x40B8, "MNGPDC", .readClear) }
    /// MNGPTC: management frames sent.
    @inlinable public static var mngptc: Register<PlainValue> { Register(0x40BC, "MNGPTC", .readClear) }
    /// TORL: all bytes received, low half.
    @inlinable public static var torl: Register<PlainValue> { Register(0x40C0, "TORL", .readClear) }
    /// TORH: high half; reading it clears both.
    @inlinable public static var torh: Register<PlainValue> { Register(0x40C4, "TORH", .readClear) }
    /// TOTL: all bytes sent, low half.
    @inlinable public static var totl: Register<PlainValue> { Register(0x40C8, "TOTL", .readClear) }
    /// TOTH: high half; reading it clears both.
    @inlinable public static var toth: Register<PlainValue> { Register(0x40CC, "TOTH", .readClear) }
    /// TPR: all frames received.
    @inlinable public static var tpr: Register<PlainValue> { Register(0x40D0, "TPR", .readClear) }
    /// TPT: all frames sent.
    @inlinable public static var tpt: Register<PlainValue> { Register(0x40D4, "TPT", .readClear) }
    /// PTC64: frames sent of 64 bytes, check sequence included.
    @inlinable public static var ptc64: Register<PlainValue> { Register(0x40D8, "PTC64", .readClear) }
    /// PTC127: of 65 to 127 bytes.
    @inlinable public static var ptc127: Register<PlainValue> { Register(0x40DC, "PTC127", .readClear) }
    /// PTC255: of 128 to 255 bytes.
    @inlinable public static var ptc255: Register<PlainValue> { Register(0x40E0, "PTC255", .readClear) }
    /// PTC511: of 256 to 511 bytes.
    @inlinable public static var ptc511: Register<PlainValue> { Register(0x40E4, "PTC511", .readClear) }
    /// PTC1023: of 512 to 1023 bytes.
    @inlinable public static var ptc1023: Register<PlainValue> { Register(0x40E8, "PTC1023", .readClear) }
    /// PTC1522: of 1024 bytes or more.
    @inlinable public static var ptc1522: Register<PlainValue> { Register(0x40EC, "PTC1522", .readClear) }
    /// MPTC: multicast frames sent.
    @inlinable public static var mptc: Register<PlainValue> { Register(0x40F0, "MPTC", .readClear) }
    /// BPTC: broadcast frames sent.
    @inlinable public static var bptc: Register<PlainValue> { Register(0x40F4, "BPTC", .readClear) }
    /// TSCTC: segmentation contexts sent.
    @inlinable public static var tsctc: Register<PlainValue> { Register(0x40F8, "TSCTC", .readClear) }
    /// IAC: interrupts.
    @inlinable public static var iac: Register<PlainValue> { Register(0x4100, "IAC", .readClear) }
}
