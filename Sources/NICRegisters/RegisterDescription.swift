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

    /// A single register.
    public init<V>(_ register: Register<V>) {
        offset = register.offset
        stride = 0
        count = 1
        name = register.name
        access = register.access
    }

    /// Registers that repeat at an even distance, `first` being the index of the first.
    public init<V>(_ count: Int, from first: Int = 0, _ register: (Int) -> Register<V>) {
        offset = register(first).offset
        stride = register(first + 1).offset - offset
        self.count = count
        name = register(first).name
        access = register(first).access
    }
}
