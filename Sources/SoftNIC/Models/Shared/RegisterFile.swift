internal import DeviceMemory
internal import NICRegisters

/// The register window as words, and what accesses to each do.
struct RegisterFile: ~Copyable {
    /// What the device has at an offset.
    enum Presence: UInt8 {
        /// Nothing: an access is a driver error.
        case unknown
        /// A register of the silicon that this model was asked not to have.
        case absent
        case readWrite
        case readOnly
        case readClear
        /// Accesses have effects that the model spells out.
        case special
    }

    private var words: Slab<UInt32>
    private var presence: Slab<UInt8>

    /// A window of `window` bytes that holds `lines`, of which `absent` are not there.
    init(window: Int, _ lines: [RegisterDescription], absent: [RegisterDescription] = []) {
        let count = window / 4
        words = Slab(count: count, repeating: 0)
        presence = Slab(count: count, repeating: Presence.unknown.rawValue)
        for line in lines { declare(line) }
        for line in absent { declare(line, as: .absent) }
    }

    private mutating func declare(_ line: RegisterDescription, as forced: Presence? = nil) {
        let kind: Presence
        switch line.access {
        case .readWrite: kind = .readWrite
        case .readOnly: kind = .readOnly
        case .readClear: kind = .readClear
        case .writeOnly, .writeOneClear, .writeOneSet: kind = .special
        }
        for i in 0..<line.count {
            presence[Int(line.offset + UInt32(i) * line.stride) / 4] = (forced ?? kind).rawValue
        }
    }

    /// What is at byte `offset`, which lies in the window.
    func presence(_ offset: UInt32) -> Presence { Presence(rawValue: presence[Int(offset / 4)]) ?? .unknown }

    /// The word at byte `offset`, without side effects.
    subscript(offset: UInt32) -> UInt32 {
        get { words[Int(offset / 4)] }
        set { words[Int(offset / 4)] = newValue }
    }

    /// A register's value, without side effects.
    subscript<V>(register: Register<V>) -> V {
        get { V(rawValue: words[Int(register.offset / 4)]) }
        set { words[Int(register.offset / 4)] = newValue.rawValue }
    }

    /// Adds to a counter; it wraps, like the silicon's.
    mutating func count(_ register: Register<PlainValue>, _ n: UInt32 = 1) { words[Int(register.offset / 4)] &+= n }

    /// Adds to a 64-bit counter whose halves are `low` and the word after it.
    mutating func count64(_ low: Register<PlainValue>, _ n: UInt32) {
        let index = Int(low.offset / 4)
        let (sum, carry) = words[index].addingReportingOverflow(n)
        words[index] = sum
        if carry { words[index + 1] &+= 1 }
    }

    /// Sets every word to zero, except in the given ranges of byte offsets.
    mutating func clear(except kept: [Range<UInt32>]) {
        for i in 0..<words.count where !kept.contains(where: { $0.contains(UInt32(i) * 4) }) { words[i] = 0 }
    }

    /// An address in a pair of registers.
    func address(_ low: Register<PlainValue>, _ high: Register<PlainValue>) -> UInt64 {
        UInt64(self[low].rawValue) | UInt64(self[high].rawValue) &<< 32
    }
}
