internal import CShim

/// Registers of a device that another thread or process models: requests in shared memory, one client, one server.
///
/// Writes are posted into a ring and reads wait for their answer, so accesses take effect in program order, as on a bus; a
/// doorbell is one ring entry and one release store, which the server polls. Both ends trust the layout, not each other:
/// a dead server reads as all ones.
public enum RegisterMailbox {
    static let tail = 0  // client: requests put
    static let head = 64  // server: requests taken
    static let answerSequence = 128  // server: sequence of the last read answered
    static let answerValue = 132
    static let gone = 192  // either: the other side has ended
    static let requests = 256
    static let depth: UInt32 = 1024
    static let stride = 16

    /// Bytes of shared memory that a mailbox takes.
    public static let bytes = requests + Int(depth) * stride

    /// What a request is.
    @frozen public enum Kind: UInt32, Sendable {
        case write = 1
        case read = 2
    }

    /// Which window of the device a request is for.
    @frozen public enum Window: UInt32, Sendable {
        case registers = 0
        case flushPage = 1
        case configuration = 2
        case reset = 3
        /// A read at offset n enables n interrupt vectors, and answers how many there are now.
        case interrupts = 4
    }
}

/// The client's end: a ``Bus`` whose accesses travel through a mailbox.
@safe @frozen public struct MailboxBus: Bus, Sendable {
    let memory: MutableByteView
    let tail: SharedWord
    let head: SharedWord
    let answerSequence: SharedWord
    let answerValue: SharedWord
    let gone: SharedWord
    let window: RegisterMailbox.Window

    /// The client of the mailbox in `memory`, which must be zeroed first and outlive this value. One thread uses all
    /// windows of one mailbox.
    public init(_ memory: MutableByteView, window: RegisterMailbox.Window) {
        self.memory = memory
        self.window = window
        tail = SharedWord(memory, at: RegisterMailbox.tail)
        head = SharedWord(memory, at: RegisterMailbox.head)
        answerSequence = SharedWord(memory, at: RegisterMailbox.answerSequence)
        answerValue = SharedWord(memory, at: RegisterMailbox.answerValue)
        gone = SharedWord(memory, at: RegisterMailbox.gone)
    }

    public func read32(_ offset: UInt32) -> UInt32 {
        guard let sequence = put(.read, offset, 0) else { return .max }
        while answerSequence.loadAcquiring() != sequence {
            if gone.loadAcquiring() != 0 { return .max }
            shim_pause()
        }
        return answerValue.loadRelaxed()
    }

    public func write32(_ offset: UInt32, _ value: UInt32) { _ = put(.write, offset, value) }

    /// Waits until every write has taken effect, so that a waiting time starts at the device and not in the ring.
    public func drain() {
        while head.loadAcquiring() != tail.loadRelaxed() && gone.loadAcquiring() == 0 { shim_pause() }
    }

    /// Makes every present and future access end at once, reading all ones.
    public func markGone() { gone.storeReleasing(1) }

    /// Whether the server has ended.
    public var isGone: Bool { gone.loadAcquiring() != 0 }

    /// Queues a request and returns its sequence number; `nil` when the server is gone.
    private func put(_ kind: RegisterMailbox.Kind, _ offset: UInt32, _ value: UInt32) -> UInt32? {
        let position = tail.loadRelaxed()
        while position &- head.loadAcquiring() >= RegisterMailbox.depth {
            if gone.loadAcquiring() != 0 { return nil }
            shim_pause()
        }
        let at = RegisterMailbox.requests + Int(position % RegisterMailbox.depth) * RegisterMailbox.stride
        memory.setLE32(at, kind.rawValue | window.rawValue << 8)
        memory.setLE32(at + 4, offset)
        memory.setLE32(at + 8, value)
        // Everything stored before, descriptors included, is visible to whoever sees this tail.
        tail.storeReleasing(position &+ 1)
        return position &+ 1
    }
}

/// The server's end: takes requests in order.
public struct MailboxServer: ~Copyable {
    private let memory: MutableByteView
    private let tail: SharedWord
    private let headWord: SharedWord
    private let answerSequence: SharedWord
    private let answerValue: SharedWord
    private let gone: SharedWord
    private var head: UInt32 = 0

    /// The server of the mailbox in `memory`, which outlives this value.
    public init(_ memory: MutableByteView) {
        self.memory = memory
        tail = SharedWord(memory, at: RegisterMailbox.tail)
        headWord = SharedWord(memory, at: RegisterMailbox.head)
        answerSequence = SharedWord(memory, at: RegisterMailbox.answerSequence)
        answerValue = SharedWord(memory, at: RegisterMailbox.answerValue)
        gone = SharedWord(memory, at: RegisterMailbox.gone)
    }

    /// One request.
    public struct Request: BitwiseCopyable {
        /// Read or write.
        public let kind: RegisterMailbox.Kind
        /// The window it is for.
        public let window: RegisterMailbox.Window
        /// Byte offset in that window.
        public let offset: UInt32
        /// What to write.
        public let value: UInt32
    }

    /// The oldest request, or `nil`. A read must be answered before the next call. Requests that make no sense are
    /// answered with all ones and skipped.
    public mutating func next() -> Request? {
        while true {
            let available = tail.loadAcquiring()
            // More than the ring holds is nonsense from the other side.
            guard available != head, available &- head <= RegisterMailbox.depth else { return nil }
            let at = RegisterMailbox.requests + Int(head % RegisterMailbox.depth) * RegisterMailbox.stride
            let code = memory.readOnly.le32(at)
            head &+= 1
            if let kind = RegisterMailbox.Kind(rawValue: code & 0xFF),
                let window = RegisterMailbox.Window(rawValue: code >> 8)
            {
                let request = Request(
                    kind: kind, window: window, offset: memory.readOnly.le32(at + 4),
                    value: memory.readOnly.le32(at + 8))
                if kind == .write { headWord.storeReleasing(head) }
                return request
            }
            answer(.max)
        }
    }

    /// Answers the read that ``next()`` returned last.
    public mutating func answer(_ value: UInt32) {
        answerValue.storeRelaxed(value)
        answerSequence.storeReleasing(head)
        headWord.storeReleasing(head)
    }

    /// Tells the client that nobody answers any more.
    public func markGone() { gone.storeReleasing(1) }
}
