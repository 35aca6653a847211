public import DeviceMemory

/// The two words by which a sleeper and whoever has work for it agree that it is woken: `need_wakeup`, written by the
/// sleeper, and a publication count, written by the others.
///
/// Each side stores its own word and then loads the other's, all four sequentially consistent: in their single order either
/// the publisher sees that it must ring, or the sleeper sees the publication and stays awake. Release and acquire
/// alone allow both to miss each other (store buffering).
public struct WakeupGate: BitwiseCopyable, Sendable {
    /// Bytes that both words take, each in a cache line of its own.
    public static let bytes = 128
    private let needed: SharedWord
    private let published: SharedWord

    /// The gate in `memory`, which outlives this value.
    public init(_ memory: MutableByteView) {
        needed = SharedWord(memory, at: 0)
        published = SharedWord(memory, at: 64)
    }

    // The sleeper's side.

    /// Asks to be woken from now on.
    public func arm() { needed.storeSequential(1) }
    /// Asks no longer.
    public func disarm() { needed.storeRelaxed(0) }
    /// How often the application has published. Looked at after ``arm()``; what was published before that count is visible.
    public var publications: UInt32 { published.loadSequential() }

    // The publisher's side.

    /// Counts a publication, after everything in it was stored; true when the sleeper must be woken. Several publishers may
    /// count at once: the count may miss one of them, the order of each one's store and load holds.
    public func publish() -> Bool {
        published.storeSequential(published.loadRelaxed() &+ 1)
        return needed.loadSequential() != 0
    }
}
