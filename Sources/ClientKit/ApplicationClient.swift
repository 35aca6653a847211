public import DeviceMemory
internal import Rings

/// The application's end of a channel: takes records, gives tokens back, asks for things to be sent.
///
/// One thread uses it. It holds no region: whoever consumes payload maps a view of its own.
public struct ApplicationClient: ~Copyable {
    private var records: SPSCConsumer<FragmentRecord>
    private let channel: ApplicationChannel
    private var returns: ReturnLane
    private var commands: SPSCProducer<ApplicationCommand>
    private let linear: ByteView
    private let linearConsumed: SharedWord64
    private let sends: MutableByteView
    private let sendConsumed: SharedWord64
    private let gate: WakeupGate
    private let wakeup: WakeupLine?
    private let bell: WakeupLine?
    private var consumedLinear: UInt64 = 0
    private var produced: UInt64 = 0
    private var dirty = false
    /// Where the next linear record's bytes belong.
    private var place: FragmentRecord?

    /// The application's end of `channel`.
    ///
    /// - Parameters:
    ///   - wakeup: rung when something is published while the engine sleeps; `nil` for an engine that never does.
    ///   - bell: rung by the engine when it publishes while this side waits; `nil` for a side that only polls.
    public init(
        _ channel: ApplicationChannel, wakeup: consuming WakeupLine? = nil, bell: consuming WakeupLine? = nil
    ) {
        self.channel = channel
        records = SPSCConsumer(channel.recordRing, capacity: channel.shape.recordCapacity)
        returns = ReturnLane(channel, lane: 0)
        commands = SPSCProducer(channel.commandRing, capacity: channel.shape.commandCapacity)
        linear = channel.linearRing.readOnly
        linearConsumed = channel.linearConsumed
        sends = channel.sendRing
        sendConsumed = channel.sendConsumed
        gate = channel.engineGate
        self.wakeup = wakeup
        self.bell = bell
    }

    /// The next record, in stream order per connection.
    public mutating func next() -> FragmentRecord? {
        guard let record = records.pop() else { return nil }
        dirty = true
        return record
    }

    /// The next record of a uniform binding: bytes that arrived in host memory are copied to the place in the region that came with
    /// them, and their record is one of the region like all others, with ``FragmentRecord/isMoved``.
    ///
    /// - Parameter region: the payload that a record names, writable; `nil` for none, and the record stays a linear one.
    public mutating func next(placing region: (FragmentRecord) -> MutableByteView?) -> FragmentRecord? {
        while let record = next() {
            if record.kind == .place {
                place = record
                continue
            }
            guard record.kind == .linear, var placed = place else { return record }
            place = nil
            placed.length = record.length
            guard let bytes = region(placed) else {
                _ = giveBack(placed.token)
                return record
            }
            bytes.copy(self.bytes(of: record))
            consumeLinear(record)
            placed.kindCode = RecordKind.device.rawValue
            placed.flags = record.flags | FragmentRecord.movedFlag
            placed.payloadSum = record.payloadSum
            return placed
        }
        return nil
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
    public mutating func giveBack(_ token: UInt64) -> Bool { returns.giveBack(token) }

    /// Gives back every token up to `token`, those of all threads: the counter of a consumer that works in order. It never
    /// goes back.
    public mutating func giveBack(through token: UInt64) {
        let reached = channel.consumedThrough.loadRelaxed()
        if token > reached { channel.consumedThrough.storeReleasing(token) }
        dirty = true
    }

    /// Asks for `bytes` more of a connection, which delivers on demand from then on; false when the command ring is full.
    public mutating func demand(_ bytes: UInt32, on connection: UInt32) -> Bool {
        dirty = true
        return commands.push(ApplicationCommand(.demand, connection: connection, length: bytes))
    }

    /// Drops the next `bytes` of a connection's stream, those that have not been published yet.
    public mutating func discard(_ bytes: UInt32, on connection: UInt32) -> Bool {
        dirty = true
        return commands.push(ApplicationCommand(.discard, connection: connection, length: bytes))
    }

    /// Asks to be told of `event` again.
    public mutating func rearm(_ event: ChannelEvent) -> Bool {
        dirty = true
        return commands.push(ApplicationCommand(.rearm, connection: 0, length: UInt32(event.rawValue)))
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

    /// Queues `length` bytes at `offset` of a region to be sent from there; false when the command ring is full. They are the
    /// application's to leave alone until a ``RecordKind/sent``.
    public mutating func send(region: UInt16, offset: UInt64, length: UInt32, on connection: UInt32) -> Bool {
        dirty = true
        return commands.push(
            ApplicationCommand(.sendRegion, connection: connection, length: length, region: region, offset: offset))
    }

    /// Queues `command` for a connection; false when the command ring is full.
    public mutating func ask(_ command: CommandKind, on connection: UInt32) -> Bool {
        dirty = true
        return commands.push(ApplicationCommand(command, connection: connection))
    }

    /// Makes everything returned and asked for visible to the engine; once a poll.
    public mutating func flush() {
        let returned = returns.publish()
        guard dirty || returned else { return }
        dirty = false
        records.release()
        commands.publish()
        linearConsumed.storeReleasing(consumedLinear)
        if gate.publish() { ringEngine() }
    }

    /// Waits until the engine publishes something, or `nanoseconds` have passed; returns at once when something is there.
    ///
    /// - Parameter other: a further descriptor whose readability ends the wait; -1 is none.
    public mutating func wait(nanoseconds: UInt64, other: Int32 = -1) {
        channel.clientGate.arm()
        _ = channel.clientGate.publications
        if !records.isEmpty {
            channel.clientGate.disarm()
            return
        }
        switch bell {
        case .some(let bell):
            _ = bell.wait(nanoseconds: nanoseconds, other: other)
            bell.take()
        case .none: break
        }
        channel.clientGate.disarm()
    }

    /// What the engine counts for this application.
    public var counters: ChannelCounters { channel.counters }

    private func ringEngine() {
        switch wakeup {
        case .some(let line): line.ring()
        case .none: break
        }
    }
}
