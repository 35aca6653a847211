internal import Logging
internal import CShim
internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Glibc
internal import Packets
internal import TCPLite
internal import Timeline
internal import VFIODriver

/// What clients ask for; everything that they say is checked here.
extension Controller where Driver: ~Copyable {
    mutating func answer(_ received: consuming ControlLink.Received, _ place: Int, _ now: Instant) {
        let request = received.message
        var reply = ControlMessage(.hello)
        reply.operationCode = request.operationCode
        reply.reference = request.reference
        let status: ControlStatus
        if request.operation != .hello && !clients[place].isGreeted {
            status = .badRequest
        } else {
            switch request.operation {
            case .hello: status = greet(request, place, &reply)
            case .attach: status = attach(request, received.descriptor.take(), place, &reply, now)
            case .rehome: status = rehome(request, received.descriptor.take(), place, &reply, now)
            case .listen: status = listen(request, place)
            case .unlisten: status = unlisten(request, place)
            case .connect: status = connect(request, place, &reply, now)
            case .giveBack: status = giveBack(request, received.ranges, place, &reply)
            case .status: status = tellStatus(place, &reply, now)
            case .detach: status = leave(place, now)
            case .bind: status = .notController
            case .channel, .line, .region, .regionGone, .goodbye, nil:
                statistics.badMessages &+= 1
                status = .badRequest
            }
        }
        if status != .done { statistics.refused &+= 1 }
        reply.statusCode = status.rawValue
        // A client that does not read its answers has left.
        if !send(reply, to: place) { release(place, now, died: true) }
    }

    private mutating func greet(
        _ request: ControlMessage, _ place: Int, _ reply: inout ControlMessage
    ) -> ControlStatus {
        reply.operands.0 = UInt64(ApplicationChannel.version)
        reply.operands.1 = UInt64(place)
        guard request.operands.0 == ApplicationChannel.magic,
            request.operands.1 == UInt64(ApplicationChannel.version)
        else { return .badVersion }
        guard place < engine.portCapacity else { return .tooManyClients }
        clients[place].isGreeted = true
        return .done
    }

    // MARK: flows

    private func service(_ operand: UInt64) -> FlowClass {
        // The stack refuses what its owner does not have; the bound keeps a stranger's number inside its arithmetic.
        operand == 0 ? .shared : .guaranteed(slots: Int(min(operand, UInt64(Int32.max))))
    }

    private mutating func listen(_ request: ControlMessage, _ place: Int) -> ControlStatus {
        guard clients[place].binding != 0 else { return .notAttached }
        guard request.operands.0 >= 1, request.operands.0 <= 65535 else { return .badRequest }
        let port = UInt16(request.operands.0)
        do {
            try engine.stack.listen(port: port, owner: place, flow: service(request.operands.1))
        } catch {
            return .portTaken
        }
        let rule = SteeringRule(localPort: port)
        dropRulesOfClosed()
        do {
            try engine.addRule(rule, binding: clients[place].binding, wait: wait)
            clients[place].ports[port] = .some(rule)
        } catch {
            guard request.operands.2 & 1 != 0 || engine.needsNoRules else {
                engine.stack.unlisten(port: port)
                return .noRule
            }
            clients[place].ports[port] = .some(nil)
        }
        return .done
    }

    private mutating func unlisten(_ request: ControlMessage, _ place: Int) -> ControlStatus {
        guard request.operands.0 <= 65535,
            let rule = clients[place].ports.removeValue(forKey: UInt16(request.operands.0))
        else { return .badRequest }
        engine.stack.unlisten(port: UInt16(request.operands.0))
        if let rule { engine.removeRule(rule, wait: wait) }
        return .done
    }

    private mutating func connect(
        _ request: ControlMessage, _ place: Int, _ reply: inout ControlMessage, _ now: Instant
    ) -> ControlStatus {
        guard clients[place].binding != 0 else { return .notAttached }
        guard request.operands.0 <= UInt64(UInt32.max), (1...65535).contains(request.operands.1) else {
            return .badRequest
        }
        let address =
            request.operands.0 == 0
            ? InternetAddress(IPv6Address(high: request.operands.3, low: request.operands.4))
            : InternetAddress(IPv4Address(rawValue: UInt32(request.operands.0)))
        do throws(TCPError) {
            let id = try engine.stack.connect(
                to: address, port: UInt16(request.operands.1), localPort: nil,
                now: now, owner: place, flow: service(request.operands.2))
            reply.operands.0 = UInt64(id.rawValue)
            dropRulesOfClosed()
            if let port = engine.stack.info(id)?.localPort {
                let rule = SteeringRule(localPort: port)
                // Without one payload arrives in host memory, and is delivered all the same.
                if (try? engine.addRule(rule, binding: clients[place].binding, wait: wait)) != nil {
                    clients[place].rules.append((id, rule))
                }
            }
            return .done
        } catch {
            switch error {
            case .noSlots: return .noSlots
            case .unreachable, .invalidAddress: return .unreachable
            default: return .badRequest
            }
        }
    }

    /// Takes back the rules of connections that are gone, whoever opened them: devices have few.
    private mutating func dropRulesOfClosed() {
        for place in 0..<clients.count {
            for i in clients[place].rules.indices.reversed() {
                let (connection, rule) = clients[place].rules[i]
                guard engine.stack.info(connection) == nil else { continue }
                engine.removeRule(rule, wait: wait)
                clients[place].rules.remove(at: i)
            }
        }
    }

    // MARK: tokens and state

    private mutating func giveBack(
        _ request: ControlMessage, _ ranges: [TokenRange], _ place: Int, _ reply: inout ControlMessage
    ) -> ControlStatus {
        guard request.operands.0 <= UInt64(ControlMessage.mostRanges) else { return .tooManyRanges }
        guard request.operands.0 == UInt64(ranges.count) else { return .badRequest }
        guard clients[place].binding != 0, let outcome = engine.giveBack(ranges, owner: place) else {
            return .notAttached
        }
        reply.operands.0 = UInt64(outcome.freed)
        reply.operands.1 = UInt64(outcome.stale)
        reply.operands.2 = UInt64(outcome.unknown)
        return .done
    }

    private mutating func tellStatus(_ place: Int, _ reply: inout ControlMessage, _ now: Instant) -> ControlStatus {
        let number = clients[place].binding
        guard number != 0, let room = engine.room(ofRegion: number) else { return .notAttached }
        let held = engine.held(by: place, now: now)
        reply.operands = (
            UInt64(number), UInt64(room.slots), UInt64(room.free), UInt64(held.tokens), held.oldestAge.nanoseconds,
            UInt64(clients[place].regions.count - 1), 0
        )
        return .done
    }
}

/// Which process is at the other end, for messages; 0 when that cannot be told.
func peerProcess(_ fd: Int32) -> pid_t {
    var pid: pid_t = 0
    var uid: uid_t = 0
    return unsafe shim_peer_credentials(fd, &pid, &uid) == 0 ? pid : 0
}
