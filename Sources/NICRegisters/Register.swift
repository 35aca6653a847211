public import DeviceMemory

/// The 32 bits of a register, with its fields as properties.
public protocol RegisterValue: BitwiseCopyable, Sendable {
    /// Wraps what was read, or what is to be written.
    init(rawValue: UInt32)
    /// The bits on the bus.
    var rawValue: UInt32 { get set }
    /// Every field, lowest first, for printing and for reading names.
    static var fields: [RegisterField] { get }
}

/// A one-bit field of the register whose value is `Value`.
@frozen public struct Flag<Value: RegisterValue>: Sendable {
    /// Position, 0 to 31.
    public let position: UInt32
    /// The datasheet's name.
    public let name: StaticString
    /// The bit at `position`.
    @inlinable public init(_ position: UInt32, _ name: StaticString = "") {
        self.position = position
        self.name = name
    }
}

/// A field of several bits of the register whose value is `Value`.
@frozen public struct Field<Value: RegisterValue>: Sendable {
    /// Position of the lowest bit.
    public let low: UInt32
    /// Number of bits, 2 to 31.
    public let width: UInt32
    /// The datasheet's name.
    public let name: StaticString
    /// The `width` bits from `low` up.
    @inlinable public init(low: UInt32, width: UInt32, _ name: StaticString = "") {
        self.low = low
        self.width = width
        self.name = name
    }
}

/// A field of one bit or several, of a register of any kind.
public struct RegisterField: Sendable {
    /// Position of the lowest bit.
    public let low: UInt32
    /// Number of bits.
    public let width: UInt32
    /// The datasheet's name.
    public let name: StaticString

    /// A one-bit field.
    public init<V>(_ flag: Flag<V>) {
        low = flag.position
        width = 1
        name = flag.name
    }

    /// A field of several bits.
    public init<V>(_ field: Field<V>) {
        low = field.low
        width = field.width
        name = field.name
    }

    /// The field's number in a register's value.
    public func value(in raw: UInt32) -> UInt32 { (raw >> low) & ((1 << width) - 1) }
}

extension RegisterValue {
    /// None: a number as a whole.
    public static var fields: [RegisterField] { [] }

    /// What ``fields`` is made of, in the order of their bits.
    static func list(flags: [Flag<Self>] = [], fields: [Field<Self>] = []) -> [RegisterField] {
        (flags.map { RegisterField($0) } + fields.map { RegisterField($0) }).sorted { $0.low < $1.low }
    }

    /// All bits zero.
    @inlinable public init() { self.init(rawValue: 0) }

    /// A one-bit field.
    @inlinable public subscript(flag: Flag<Self>) -> Bool {
        get { (rawValue &>> flag.position) & 1 != 0 }
        set {
            let mask = UInt32(1) &<< flag.position
            rawValue = newValue ? rawValue | mask : rawValue & ~mask
        }
    }

    /// A field of several bits; excess bits of a new value are cut.
    @inlinable public subscript(field: Field<Self>) -> UInt32 {
        get { (rawValue &>> field.low) & ((1 &<< field.width) &- 1) }
        set {
            let mask = ((UInt32(1) &<< field.width) &- 1) &<< field.low
            rawValue = (rawValue & ~mask) | ((newValue &<< field.low) & mask)
        }
    }

    /// The same value with a bit set, for writing a register in one expression.
    @inlinable public func setting(_ flag: Flag<Self>, _ on: Bool = true) -> Self {
        var value = self
        value[flag] = on
        return value
    }

    /// The same value with a field set.
    @inlinable public func setting(_ field: Field<Self>, _ number: UInt32) -> Self {
        var value = self
        value[field] = number
        return value
    }
}

/// A register that is one number.
@frozen public struct PlainValue: RegisterValue, Hashable {
    public var rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// The number itself.
    @inlinable public init(_ value: UInt32) { rawValue = value }
}

/// What a register does when it is read or written.
@frozen public enum RegisterAccess: UInt8, Sendable {
    /// Keeps what is written.
    case readWrite
    /// Writes are dropped.
    case readOnly
    /// Reads zero.
    case writeOnly
    /// A counter that a read clears.
    case readClear
    /// Written ones clear bits; a read may clear as well.
    case writeOneClear
    /// Written ones set bits.
    case writeOneSet
}

/// A register: where it is, what the datasheet calls it, and what its bits mean.
@frozen public struct Register<Value: RegisterValue>: Sendable {
    /// Byte offset in its BAR.
    public let offset: UInt32
    /// The datasheet's name.
    public let name: StaticString
    /// What accesses do.
    public let access: RegisterAccess

    /// Declares a register.
    @inlinable public init(_ offset: UInt32, _ name: StaticString, _ access: RegisterAccess = .readWrite) {
        self.offset = offset
        self.name = name
        self.access = access
    }
}

extension Bus {
    /// One bus read.
    @inlinable public func read<V>(_ register: Register<V>) -> V { V(rawValue: read32(register.offset)) }

    /// One bus write.
    @inlinable public func write<V>(_ register: Register<V>, _ value: V) { write32(register.offset, value.rawValue) }

    /// Reads, lets `change` edit, and writes back; returns what was written.
    @inlinable @discardableResult
    public func modify<V>(_ register: Register<V>, _ change: (inout V) -> Void) -> V {
        var value = read(register)
        change(&value)
        write(register, value)
        return value
    }
}
