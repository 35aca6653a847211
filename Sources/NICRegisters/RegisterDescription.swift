/// One line of a register list: a register, or `count` of them `stride` bytes apart.
public struct RegisterDescription: Sendable {
    /// Byte offset of the first.
    public let offset: UInt32
    /// Bytes from one to the next; 0 for a single register.
    public let stride: UInt32
    /// How many there are.
    public let count: Int
    /// The datasheet's name.
    public let name: StaticString
    /// What accesses do.
    public let access: RegisterAccess
    /// The index of the first, where there are several.
    public let first: Int
    /// What the bits mean; empty for a number.
    public let fields: [RegisterField]
    /// Whether the value is one number.
    public let isPlain: Bool

    /// A single register.
    public init<V>(_ register: Register<V>) {
        offset = register.offset
        stride = 0
        count = 1
        name = register.name
        access = register.access
        first = 0
        fields = V.fields
        isPlain = V.self == PlainValue.self
    }

    /// Registers that repeat at an even distance, `first` being the index of the first.
    public init<V>(_ count: Int, from first: Int = 0, _ register: (Int) -> Register<V>) {
        offset = register(first).offset
        stride = register(first + 1).offset - offset
        self.count = count
        name = register(first).name
        access = register(first).access
        self.first = first
        fields = V.fields
        isPlain = V.self == PlainValue.self
    }

    /// Whether a read may change the device: it clears a counter or causes, or takes a semaphore (SWSM.SMBI).
    public var readChangesState: Bool {
        switch access {
        case .readClear, .writeOneClear: true
        case .readWrite, .readOnly, .writeOnly, .writeOneSet: "\(name)" == "SWSM"
        }
    }

    /// The name of the register at `index` of the list: `RDT[0]`, or the bare name of one that stands alone.
    public func name(at index: Int) -> String { stride == 0 ? "\(name)" : "\(name)[\(first + index)]" }

    /// Byte offset of the register at `index` of the list.
    public func offset(at index: Int) -> UInt32 { offset + stride * UInt32(truncatingIfNeeded: index) }
}
