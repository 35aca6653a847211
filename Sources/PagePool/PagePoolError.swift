/// Why memory could not be made into a pool, or a pool not be put away.
public enum PagePoolError: Error, Sendable, Hashable {
    /// The slot size is no power of two from 2 KiB to 2 MiB.
    case badSlotSize(Int)
    /// There is no memory to cut.
    case noMemory
    /// A run's address or length is no multiple of the slot size.
    case misaligned(run: Int)
    /// Two runs share addresses.
    case overlapping(run: Int)
    /// More slots than a handle can name.
    case tooManySlots
    /// A cap that leaves no slot.
    case badCap(Int)
    /// The provider could not be set up.
    case providerFailed(ProviderFailure)
    /// A provider that takes everything at the start did not get it.
    case preallocationShort(got: Int, wanted: Int)
    /// The pool still has slots out, or was not asked to drain.
    case notDrained(pool: UInt16, out: Int)
    /// The table has no place of that number.
    case noSuchPlace(UInt16)
    /// The place already has a pool.
    case placeTaken(UInt16)
    /// One of the fragments is memory that the CPU cannot or must not read.
    case unreadable(fragment: Int)
    /// The bytes do not fit where they were to be copied to.
    case copyTooLarge(bytes: Int, room: Int)
}

/// Why a provider refused to start.
public enum ProviderFailure: Error, Sendable, Hashable {
    /// A test asked for it.
    case injected
}

extension PagePoolError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badSlotSize(let size): "a slot size of \(size) bytes: give a power of two from 2 KiB to 2 MiB"
        case .noMemory: "there is no memory for a single slot: give at least one run of the slot size"
        case .misaligned(let run):
            "run \(run) does not begin and end at a multiple of the slot size: align it or give a smaller slot size"
        case .overlapping(let run): "run \(run) overlaps another one: give each address once"
        case .tooManySlots: "more slots than a handle can name: give a larger slot size or less memory"
        case .badCap(let cap): "a cap of \(cap) slots: give at least 1"
        case .providerFailed(let reason): "the memory's provider did not start (\(reason)): try again"
        case .preallocationShort(let got, let wanted):
            "only \(got) of \(wanted) slots could be taken at the start: free memory or lower the cap"
        case .notDrained(let pool, let out):
            "pool \(pool) has \(out) slots out or is not draining: drain it and wait until the last one is back"
        case .noSuchPlace(let place): "the table has no place \(place): give it more capacity"
        case .placeTaken(let place): "place \(place) has a pool: drain and vacate it first"
        case .unreadable(let fragment):
            "fragment \(fragment) is memory that the CPU must not read: hand its token on instead of copying it"
        case .copyTooLarge(let bytes, let room): "\(bytes) bytes do not fit \(room): give a larger buffer"
        }
    }
}
