internal import NICRegisters

/// Descriptors and buffers of the receive queues: what RCTL, RFCTL and PSRCTL make of them together.
struct I82574ReceiveLayout: BitwiseCopyable, Hashable {
    enum Kind: UInt8 {
        /// 16 bytes, the address stays (RFCTL.EXTEN = 0).
        case legacy
        /// 16 bytes, overwritten as a whole (EXTEN = 1, DTYP = 0).
        case extended
        /// 32 bytes, up to four buffers (EXTEN = 1, DTYP = 1).
        case split
    }

    var kind = Kind.legacy
    /// Bytes of the buffers of a descriptor; only the first exists unless ``kind`` is `split`.
    var size0 = 2048
    var size1 = 0
    var size2 = 0
    var size3 = 0

    init() {}

    init(
        _ control: I82574.ReceiveControl, _ filters: I82574.ReceiveFilterControl, _ split: I82574.PacketSplitControl
    ) {
        guard filters[.extendedStatus], control[.descriptorType] == 1 else {
            kind = filters[.extendedStatus] ? .extended : .legacy
            size0 = Self.bufferSize(control)
            return
        }
        kind = .split
        size0 = Int(split[.headerBufferSize]) &* 128
        size1 = Int(split[.bufferSize1]) &* 1024
        size2 = Int(split[.bufferSize2]) &* 1024
        size3 = Int(split[.bufferSize3]) &* 1024
    }

    /// FLXBUF, or BSIZE with BSEX, of which 0 is reserved: taken for 2048.
    private static func bufferSize(_ control: I82574.ReceiveControl) -> Int {
        let flexible = Int(control[.flexibleBuffer])
        if flexible != 0 { return flexible &* 1024 }
        let size = 2048 &>> Int(control[.bufferSize])
        return control[.bufferSizeExtension] && size != 2048 ? size &* 16 : size
    }

    /// Units of 16 bytes that a descriptor takes in the ring.
    var units: Int { kind == .split ? 2 : 1 }
    /// Bytes after the header buffer.
    var payloadCapacity: Int { size1 &+ size2 &+ size3 }
    /// Bytes of all buffers of a descriptor.
    var capacity: Int { size0 &+ payloadCapacity }

    /// Bytes of buffer `index`.
    func size(_ index: Int) -> Int {
        switch index {
        case 0: size0
        case 1: size1
        case 2: size2
        default: size3
        }
    }
}

/// Bytes that went to the four buffers of a descriptor.
struct I82574BufferLengths: BitwiseCopyable {
    var length0 = 0
    var length1 = 0
    var length2 = 0
    var length3 = 0

    subscript(index: Int) -> Int {
        get {
            switch index {
            case 0: length0
            case 1: length1
            case 2: length2
            default: length3
            }
        }
        set {
            switch index {
            case 0: length0 = newValue
            case 1: length1 = newValue
            case 2: length2 = newValue
            default: length3 = newValue
            }
        }
    }
}
