internal import NICRegisters

/// One register of a family by its datasheet name.
struct NamedRegister {
    let description: RegisterDescription
    let index: Int

    var name: String { description.name(at: index) }
    var offset: UInt32 { description.offset(at: index) }

    /// Whether a write can be meant: counters and status registers drop it.
    var isWritable: Bool {
        switch description.access {
        case .readWrite, .writeOnly, .writeOneClear, .writeOneSet: true
        case .readOnly, .readClear: false
        }
    }
}

/// A family's registers by name.
struct RegisterCatalog {
    let registers: [NamedRegister]

    /// Every register that is declared for `family`, in the order of their offsets.
    init(_ family: NICFamily) {
        let descriptions: [RegisterDescription]
        switch family {
        case .igb: descriptions = I82576.registers
        case .e1000e: descriptions = I82574.registers
        case .ixgbe: descriptions = I82599.registers
        }
        registers = descriptions.flatMap { description in
            (0..<description.count).map { NamedRegister(description: description, index: $0) }
        }.sorted { $0.offset < $1.offset }
    }

    /// What `name` means: one register (`CTRL`, `RDT[0]`) or all of an array (`RDT`); upper and lower case are the same.
    func matching(_ name: String) throws(DriverError) -> [NamedRegister] {
        let wanted = name.uppercased()
        let found = registers.filter {
            $0.name.uppercased() == wanted || "\($0.description.name)".uppercased() == wanted
        }
        guard !found.isEmpty else { throw .noSuchRegister(name: name) }
        return found
    }

    /// The register at byte `offset`, for naming what a trace holds.
    func name(at offset: UInt32) -> String {
        var low = 0
        var high = registers.count
        while low < high {
            let middle = (low + high) / 2
            if registers[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        guard low < registers.count, registers[low].offset == offset else {
            return "0x" + String(offset, radix: 16)
        }
        return registers[low].name
    }
}
