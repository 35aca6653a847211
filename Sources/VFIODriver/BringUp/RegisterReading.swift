public import DeviceMemory
internal import NICRegisters

/// A field of a register as it was read.
public struct FieldReading: Codable, Sendable, Equatable {
    /// The datasheet's name.
    public let name: String
    /// Position of the lowest bit.
    public let bit: UInt32
    /// Number of bits.
    public let width: UInt32
    /// The number in it.
    public let value: UInt32
}

/// A register as it was read, or why it was not.
public struct RegisterReading: Codable, Sendable, Equatable {
    /// The datasheet's name, with the index in an array.
    public let name: String
    /// Byte offset in BAR 0.
    public let offset: UInt32
    /// What was read; `nil` when it was not read.
    public let value: UInt32?
    /// What the bits mean; empty for a number.
    public let fields: [FieldReading]
    /// Why there is no value, in words.
    public let note: String?
}

/// Reads and writes registers by name, before any driver runs.
public struct RegisterAccessor<B: Bus> {
    private let bus: B
    private let catalog: RegisterCatalog

    /// The registers of `family` behind `bus`.
    public init(_ bus: B, _ family: NICFamily) {
        self.bus = bus
        catalog = RegisterCatalog(family)
    }

    /// Reads what `names` mean, or everything when there are none.
    ///
    /// - Parameter sideEffects: read registers too whose read changes the device (counters, causes, semaphores).
    public func read(_ names: [String], sideEffects: Bool) throws(DriverError) -> [RegisterReading] {
        var chosen: [NamedRegister] = []
        for name in names { chosen += try catalog.matching(name) }
        if names.isEmpty { chosen = catalog.registers }
        return chosen.map { read($0, sideEffects: sideEffects) }
    }

    private func read(_ register: NamedRegister, sideEffects: Bool) -> RegisterReading {
        let description = register.description
        var note: String?
        if description.access == .writeOnly {
            note = "write-only"
        } else if description.readChangesState && !sideEffects {
            note = "not read: reading changes the device (--side-effects reads it)"
        }
        let value = note == nil ? bus.read32(register.offset) : nil
        let fields = value.map { value in
            description.fields.map {
                FieldReading(name: "\($0.name)", bit: $0.low, width: $0.width, value: $0.value(in: value))
            }
        }
        return RegisterReading(
            name: register.name, offset: register.offset, value: value, fields: fields ?? [], note: note)
    }

    /// What `NAME=VALUE` will do, refused where the name or number is wrong or the register cannot be written.
    public func plan(_ text: String) throws(DriverError) -> RegisterWrite {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { throw .badAssignment(text: text) }
        let found = try catalog.matching(parts[0])
        guard found.count == 1 else { throw .ambiguousRegister(name: parts[0], count: found.count) }
        guard found[0].isWritable else { throw .registerReadOnly(name: found[0].name) }
        let digits = parts[1].lowercased()
        let number = digits.hasPrefix("0x") ? UInt32(digits.dropFirst(2), radix: 16) : UInt32(digits)
        guard let number else { throw .badAssignment(text: text) }
        let before = found[0].description.readChangesState || found[0].description.access == .writeOnly
        return RegisterWrite(
            name: found[0].name, offset: found[0].offset, value: number,
            before: before ? nil : bus.read32(found[0].offset))
    }

    /// Writes, and reads back where reading is harmless.
    public func apply(_ write: RegisterWrite) -> RegisterReading? {
        bus.write32(write.offset, write.value)
        guard let register = catalog.registers.first(where: { $0.offset == write.offset }) else { return nil }
        return read(register, sideEffects: false)
    }
}

/// A write that was asked for by name.
public struct RegisterWrite: Codable, Sendable, Equatable {
    /// The datasheet's name.
    public let name: String
    /// Byte offset in BAR 0.
    public let offset: UInt32
    /// What is to be written.
    public let value: UInt32
    /// What is there now, where reading is harmless.
    public let before: UInt32?
}
