internal import Rings
internal import ClientKit
internal import DeviceMemory
public import PagePool
public import TCPLite

/// What the application asks for.
extension ApplicationPort {
    /// Carries out commands until the ring is empty or two sends wait for room; at most a ring's worth a call.
    ///
    /// A send that waits for its peer's window does not keep back what concerns other connections: a shutdown of its own
    /// connection waits behind it, everything else but a further send overtakes.
    @usableFromInline mutating func takeCommands(pools: inout PoolTable, stack: inout TCPStack) -> Bool {
        var any = continueSends(&stack, &pools)
        for _ in 0..<channel.shape.commandCapacity where waiting == nil {
            guard let command = commands.pop() else { break }
            any = true
            let id = ConnectionID(rawValue: command.connection)
            // Another application's connections cannot be named; those that are gone are nobody's.
            if let other = stack.owner(of: id), other != owner {
                statistics.badCommands &+= 1
                continue
            }
            switch CommandKind(rawValue: command.kindCode) {
            case .send, .sendRegion:
                if pendingSend == nil { pendingSend = command } else { waiting = command }
            case .shutdown:
                if pendingSend?.connection == command.connection {
                    waiting = command
                } else {
                    stack.shutdown(id)
                }
            case .abort:
                stack.abort(id, pools: &pools)
                release(connection: command.connection, &pools, &stack)
            case .leave:
                stack.leave(id, pools: &pools)
                release(connection: command.connection, &pools, &stack)
            case .demand:
                stack.setPull(id, true)
                stack.demand(id, bytes: Int(command.length))
            case .discard: stack.discard(id, bytes: Int(command.length), pools: &pools)
            case .rearm:
                if let event = ChannelEvent(rawValue: UInt16(truncatingIfNeeded: command.length)) {
                    events.rearm(event)
                    rearmed |= 1 &<< UInt32(event.rawValue)
                } else {
                    statistics.badCommands &+= 1
                }
            case nil: statistics.badCommands &+= 1
            }
            _ = continueSends(&stack, &pools)
        }
        commands.release()
        return any
    }

    /// Goes on with the send in progress, then with what waited behind it; returns whether one of them is done.
    mutating func continueSends(_ stack: inout TCPStack, _ pools: inout PoolTable) -> Bool {
        guard pendingSend != nil, continueSend(&stack, &pools) else { return false }
        guard let next = waiting else { return true }
        waiting = nil
        if CommandKind(rawValue: next.kindCode) != .shutdown {
            pendingSend = next
            _ = continueSend(&stack, &pools)
        } else {
            stack.shutdown(ConnectionID(rawValue: next.connection))
        }
        return true
    }

    /// Moves bytes of the command in progress; false when it has to wait.
    mutating func continueSend(_ stack: inout TCPStack, _ pools: inout PoolTable) -> Bool {
        guard var command = pendingSend else { return true }
        if CommandKind(rawValue: command.kindCode) == .sendRegion {
            return continueRegionSend(command, &stack, &pools)
        }
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
