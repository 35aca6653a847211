public import DeviceMemory
internal import Packets
public import PagePool
internal import Rings
public import TCPLite

/// The engine's end of a channel: publishes records, takes returns and commands.
@usableFromInline struct ApplicationPort: ~Copyable {
    private var records: SPSCProducer<FragmentRecord>
    private var returns: SPSCConsumer<TokenRange>
    private var commands: SPSCConsumer<ApplicationCommand>
    private let linear: MutableByteView
    private let linearConsumed: SharedWord64
    private let sends: ByteView
    private let sendConsumed: SharedWord64
    let gate: WakeupGate
    private var linearProduced: UInt64 = 0
    private var linearCredited: UInt64 = 0
    private var sendTaken: UInt64 = 0
    /// The send in progress, and the one command that had to wait behind it.
    private var pendingSend: ApplicationCommand?
    private var waiting: ApplicationCommand?
    private var unpublished = false
    private var frames: UInt32 = 0
    private var linearOwners: LinearOwners
    /// Tokens that the application holds.
    var tokens: TokenTable
    private(set) var statistics = DeliveryStatistics()

    init(_ channel: ApplicationChannel, slots: Int) {
        records = SPSCProducer(channel.recordRing, capacity: ApplicationChannel.recordCapacity)
        returns = SPSCConsumer(channel.returnRing, capacity: ApplicationChannel.returnCapacity)
        commands = SPSCConsumer(channel.commandRing, capacity: ApplicationChannel.commandCapacity)
        linear = channel.linearRing
        linearConsumed = channel.linearConsumed
        sends = channel.sendRing.readOnly
        sendConsumed = channel.sendConsumed
        gate = channel.gate
        linearOwners = LinearOwners(capacity: ApplicationChannel.recordCapacity * 2)
        tokens = TokenTable(capacity: slots * 2)
    }

    // MARK: towards the application

    /// Whether any one delivery fits now.
    @usableFromInline mutating func hasRoom() -> Bool {
        // A linear piece that wraps takes two records.
        records.hasSpace(for: 2) && linearFree >= ApplicationPort.largestLinearPiece && !linearOwners.isFull
    }

    /// The stack's linear blocks are 256 bytes (TCPLite).
    private static var largestLinearPiece: Int { 256 }

    private var linearFree: Int {
        // A consumer that claims more than was produced has consumed everything; one that goes back gets nothing more.
        let used = linearProduced &- min(linearConsumed.loadAcquiring(), linearProduced)
        return used > UInt64(linear.count) ? 0 : linear.count &- Int(used)
    }

    /// Publishes one delivery; ``hasRoom()`` was asked before.
    @usableFromInline mutating func deliver(_ delivery: consuming Delivery, _ pools: inout PoolTable) {
        let connection = delivery.connection.rawValue
        switch delivery.kind {
        case .opened(let address, let port, _, _):
            let peer = UInt64(address.rawValue) &<< 16 | UInt64(port)
            push(FragmentRecord(.opened, connection: connection, offset: peer))
        case .endOfStream:
            push(FragmentRecord(.endOfStream, connection: connection))
        case .closed(let reason):
            push(FragmentRecord(.closed, connection: connection, length: UInt32(reason.rawValue)))
        case .untrusted(let segments):
            push(FragmentRecord(.untrusted, connection: connection, length: UInt32(truncatingIfNeeded: segments)))
        case .sendSpaceAvailable: break
        case .data:
            if let bytes = delivery.linear { pushLinear(bytes, connection, delivery.payloadSum) }
        }
        if let fragment = delivery.fragment.take() {
            let sum = delivery.payloadSum
            let delivered = pools.deliver(fragment)
            let token = tokens.issue(slot: delivered.netmem, connection: connection)
            statistics.deviceBytes &+= UInt64(delivered.length)
            statistics.records &+= 1
            push(
                FragmentRecord(
                    .device, connection: connection, token: token, offset: delivered.regionOffset,
                    length: delivered.length, payloadSum: sum, region: delivered.netmem.pool))
        }
    }

    /// Publishes a frame: `bytes` of it from host memory, and what is in a slot. False, with nothing taken, when there is no
    /// room now.
    @usableFromInline mutating func deliver(
        frame bytes: ByteView, headerLength: Int, isVerified: Bool, fragment: inout Fragment?, _ pools: inout PoolTable
    ) -> Bool {
        // A frame's bytes lie in one piece: what is left before the end of the ring is skipped, and comes back with them.
        let position = Int(linearProduced & UInt64(linear.count &- 1))
        let gap = bytes.count > linear.count &- position ? linear.count &- position : 0
        guard records.hasSpace(for: 2), linearFree >= bytes.count &+ gap, !linearOwners.isFull else { return false }
        if gap != 0 { linearOwners.push(ApplicationPort.nobody, UInt32(truncatingIfNeeded: gap)) }
        linearProduced &+= UInt64(gap)
        linear.copy(bytes, at: gap == 0 ? position : 0)
        frames &+= 1
        let taken = fragment.take()
        let hasMore = taken != nil
        push(
            FragmentRecord(
                frame: frames, offset: linearProduced, length: UInt32(truncatingIfNeeded: bytes.count),
                headerLength: UInt16(truncatingIfNeeded: headerLength), hasMore: hasMore, isVerified: isVerified))
        linearProduced &+= UInt64(bytes.count)
        linearOwners.push(ApplicationPort.nobody, UInt32(truncatingIfNeeded: bytes.count))
        statistics.linearBytes &+= UInt64(bytes.count)
        statistics.records &+= 1
        if let fragment = taken {
            let delivered = pools.deliver(fragment)
            let token = tokens.issue(slot: delivered.netmem, connection: ApplicationPort.nobody)
            statistics.deviceBytes &+= UInt64(delivered.length)
            statistics.records &+= 1
            push(
                FragmentRecord(
                    .device, connection: frames, token: token, offset: delivered.regionOffset,
                    length: delivered.length, region: delivered.netmem.pool))
        }
        return true
    }

    /// The connection of what belongs to none: credit for it finds nobody.
    private static var nobody: UInt32 { .max }

    private mutating func push(_ record: FragmentRecord) {
        unpublished = true
        if !records.push(record) { statistics.lostRecords &+= 1 }
    }

    private mutating func pushLinear(_ bytes: ByteView, _ connection: UInt32, _ sum: UInt16?) {
        var done = 0
        while done < bytes.count {
            let position = Int(linearProduced & UInt64(linear.count &- 1))
            let n = min(bytes.count &- done, linear.count &- position)
            linear.copy(bytes.slice(done, n), at: position)
            // A sum is of the whole piece: a piece that wraps carries none.
            let whole = n == bytes.count ? sum : nil
            push(
                FragmentRecord(
                    .linear, connection: connection, offset: linearProduced, length: UInt32(n), payloadSum: whole))
            linearProduced &+= UInt64(n)
            linearOwners.push(connection, UInt32(n))
            done &+= n
        }
        statistics.linearBytes &+= UInt64(bytes.count)
        statistics.records &+= 1
    }

    /// Makes everything pushed visible; once a poll.
    @usableFromInline mutating func publish() {
        guard unpublished else { return }
        unpublished = false
        records.publish()
    }

    // MARK: from the application

    /// Takes returns: tokens to the pool, credit to their connections. Bounded work: at most `limit` tokens a call.
    @usableFromInline mutating func takeReturns(limit: Int, pools: inout PoolTable, stack: inout TCPStack) -> Bool {
        var taken = 0
        while taken < limit {
            if partial.count == 0 {
                guard let range = returns.pop() else { break }
                partial = range
                if range.count == 0 { taken &+= 1 }
                // A count that no application can hold is nonsense; it must not become work.
                if UInt64(range.count) > UInt64(tokens.outstanding) {
                    statistics.badReturns &+= 1
                    partial.count = 0
                    taken &+= 1
                    continue
                }
            }
            while partial.count != 0 && taken < limit {
                takeBack(partial.start, &pools, &stack)
                partial.start &+= 1
                partial.count &-= 1
                taken &+= 1
            }
        }
        if taken != 0 { returns.release() }
        return creditLinear(&stack) || taken != 0
    }

    /// What is left of a range that was longer than one call's work.
    private var partial = TokenRange(start: 0, count: 0)

    private mutating func takeBack(_ token: UInt64, _ pools: inout PoolTable, _ stack: inout TCPStack) {
        switch tokens.take(token) {
        case .returned(let slot, let connection):
            pools.returned(slot)
            stack.credit(ConnectionID(rawValue: connection), slots: 1, linearBytes: 0)
            statistics.tokensReturned &+= 1
        case .stale, .unknown:
            statistics.badReturns &+= 1
        }
    }

    private mutating func creditLinear(_ stack: inout TCPStack) -> Bool {
        let consumed = min(linearConsumed.loadAcquiring(), linearProduced)
        var any = false
        while linearCredited < consumed, let (connection, length) = linearOwners.front {
            let n = min(UInt64(length), consumed &- linearCredited)
            linearOwners.consume(UInt32(n))
            linearCredited &+= n
            stack.credit(ConnectionID(rawValue: connection), slots: 0, linearBytes: Int(n))
            any = true
        }
        return any
    }

    /// Carries out commands until the ring is empty or two sends wait for room; at most a ring's worth a call.
    ///
    /// A send that waits for its peer's window does not keep back what concerns other connections: a shutdown of its own
    /// connection waits behind it, everything else but a further send overtakes.
    @usableFromInline mutating func takeCommands(pools: inout PoolTable, stack: inout TCPStack) -> Bool {
        var any = continueSends(&stack)
        for _ in 0..<ApplicationChannel.commandCapacity where waiting == nil {
            guard let command = commands.pop() else { break }
            any = true
            let id = ConnectionID(rawValue: command.connection)
            switch CommandKind(rawValue: command.kindCode) {
            case .send:
                if pendingSend == nil { pendingSend = command } else { waiting = command }
            case .shutdown:
                if pendingSend?.connection == command.connection {
                    waiting = command
                } else {
                    stack.shutdown(id)
                }
            case .abort: stack.abort(id, pools: &pools)
            case nil: statistics.badCommands &+= 1
            }
            _ = continueSends(&stack)
        }
        commands.release()
        return any
    }

    /// Goes on with the send in progress, then with what waited behind it; returns whether one of them is done.
    private mutating func continueSends(_ stack: inout TCPStack) -> Bool {
        guard pendingSend != nil, continueSend(&stack) else { return false }
        guard let next = waiting else { return true }
        waiting = nil
        if CommandKind(rawValue: next.kindCode) == .send {
            pendingSend = next
            _ = continueSend(&stack)
        } else {
            stack.shutdown(ConnectionID(rawValue: next.connection))
        }
        return true
    }

    /// Moves bytes of the command in progress; false when it has to wait.
    private mutating func continueSend(_ stack: inout TCPStack) -> Bool {
        guard var command = pendingSend else { return true }
        let id = ConnectionID(rawValue: command.connection)
        if Int(command.length) > sends.count {
            statistics.badCommands &+= 1
            pendingSend = nil
            return true
        }
        while command.length != 0 {
            let position = Int(sendTaken & UInt64(sends.count &- 1))
            let n = min(Int(command.length), sends.count &- position)
            // A connection that is gone or shut down takes nothing ever: its bytes are skipped, not kept.
            let accepted = stack.acceptsData(id) ? stack.send(id, sends.slice(position, n)) : n
            sendTaken &+= UInt64(accepted)
            command.length &-= UInt32(accepted)
            if accepted < n {
                pendingSend = command
                sendConsumed.storeReleasing(sendTaken)
                return false
            }
        }
        pendingSend = nil
        sendConsumed.storeReleasing(sendTaken)
        return true
    }
}
