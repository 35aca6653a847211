public import DeviceMemory
internal import Rings

/// The application's end of a channel: takes records, gives tokens back, asks for things to be sent.
///
/// One thread uses it. It holds no region: whoever consumes payload maps a view of its own.
public struct ApplicationClient: ~Copyable {
    private var records: SPSCConsumer<FragmentRecord>
    private var returns: SPSCProducer<TokenRange>
    private var commands: SPSCProducer<ApplicationCommand>
    private let linear: ByteView
    private let linearConsumed: SharedWord64
    private let sends: MutableByteView
    private let sendConsumed: SharedWord64
    private let gate: WakeupGate
    private let wakeup: WakeupLine?
    private var consumedLinear: UInt64 = 0
    private var produced: UInt64 = 0
    private var pending = TokenRange(start: 0, count: 0)
    private var dirty = false

    /// The application's end of `channel`.
    ///
    /// - Parameter wakeup: rung when something is published while the engine sleeps; `nil` for an engine that never does.
    public init(_ channel: ApplicationChannel, wakeup: consuming WakeupLine? = nil) {
        records = SPSCConsumer(channel.recordRing, capacity: ApplicationChannel.recordCapacity)
        returns = SPSCProducer(channel.returnRing, capacity: ApplicationChannel.returnCapacity)
        commands = SPSCProducer(channel.commandRing, capacity: ApplicationChannel.commandCapacity)
        linear = channel.linearRing.readOnly
        linearConsumed = channel.linearConsumed
        sends = channel.sendRing
        sendConsumed = channel.sendConsumed
        gate = channel.gate
        self.wakeup = wakeup
    }

    /// The next record, in stream order per connection.
    public mutating func next() -> FragmentRecord? {
        guard let record = records.pop() else { return nil }
        dirty = true
        return record
    }

    /// The bytes of a linear record. Valid until ``consumeLinear(_:)`` has given them back.
    public func bytes(of record: FragmentRecord) -> ByteView {
        let position = Int(record.offset & UInt64(linear.count - 1))
        return linear.slice(position, min(Int(record.length), linear.count - position))
    }

    /// Gives the bytes of linear records back, in the order of the records.
    public mutating func consumeLinear(_ record: FragmentRecord) {
        consumedLinear = record.offset &+ UInt64(record.length)
        dirty = true
    }

    /// Gives a token back. Consecutive ones travel as one range, at the latest with ``flush()``; false when the return
    /// ring is full (flush, and try again after the engine's next poll).
    public mutating func giveBack(_ token: UInt64) -> Bool {
        if pending.count != 0 && pending.start &+ UInt64(pending.count) == token && pending.count < 1024 {
            pending.count &+= 1
            return true
        }
        if pending.count != 0 {
            guard returns.push(pending) else { return false }
        }
        pending = TokenRange(start: token, count: 1)
        dirty = true
        return true
    }

    /// Bytes that ``send(_:on:)`` would take now.
    public var sendSpace: Int {
        // An engine that claims more than was produced has consumed everything; one that goes back takes nothing more.
        let used = produced &- min(sendConsumed.loadAcquiring(), produced)
        return used > UInt64(sends.count) ? 0 : sends.count &- Int(used)
    }

    /// Queues all of `bytes` to be sent on a connection; false, and nothing queued, when they do not fit now.
    public mutating func send(_ bytes: ByteView, on connection: UInt32) -> Bool {
        guard bytes.count <= sendSpace, commands.hasSpace(for: 1) else { return false }
        var done = 0
        while done < bytes.count {
            let position = Int(produced & UInt64(sends.count - 1))
            let n = min(bytes.count - done, sends.count - position)
            sends.copy(bytes.slice(done, n), at: position)
            produced &+= UInt64(n)
            done += n
        }
        dirty = true
        return commands.push(ApplicationCommand(.send, connection: connection, length: UInt32(bytes.count)))
    }

    /// Queues `command` for a connection; false when the command ring is full.
    public mutating func ask(_ command: CommandKind, on connection: UInt32) -> Bool {
        dirty = true
        return commands.push(ApplicationCommand(command, connection: connection))
    }

    /// Makes everything returned and asked for visible to the engine; once a poll.
    public mutating func flush() {
        if pending.count != 0 && returns.push(pending) { pending.count = 0 }
        guard dirty else { return }
        dirty = pending.count != 0
        records.release()
        returns.publish()
        commands.publish()
        linearConsumed.storeReleasing(consumedLinear)
        if gate.publish() { ringEngine() }
    }

    private func ringEngine() {
        switch wakeup {
        case .some(let line): line.ring()
        case .none: break
        }
    }
}
