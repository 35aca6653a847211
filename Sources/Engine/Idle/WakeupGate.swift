internal import DeviceMemory

/// The two words by which an engine and an application agree that a sleeping engine is woken: `need_wakeup`, written by the
/// engine, and a publication count, written by the application.
///
/// Each side stores its own word and then loads the other's, all four sequentially consistent: in their single order either
/// the application sees that it must ring, or the engine sees the publication and stays awake. Release and acquire
/// alone allow both to miss each other (store buffering).
struct WakeupGate: BitwiseCopyable, Sendable {
    static let bytes = 128
    private let needed: SharedWord
    private let published: SharedWord

    init(_ memory: MutableByteView) {
        needed = SharedWord(memory, at: 0)
        published = SharedWord(memory, at: 64)
    }

    // The engine's side.

    /// Asks to be woken from now on.
    func arm() { needed.storeSequential(1) }
    /// Asks no longer.
    func disarm() { needed.storeRelaxed(0) }
    /// How often the application has published. Looked at after ``arm()``; what was published before that count is visible.
    var publications: UInt32 { published.loadSequential() }

    // The application's side.

    /// Counts a publication, after everything in it was stored; true when the engine must be woken.
    func publish() -> Bool {
        published.storeSequential(published.loadRelaxed() &+ 1)
        return needed.loadSequential() != 0
    }
}
