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

    // MARK: regions

    private mutating func attach(
        _ request: ControlMessage, _ own: consuming OwnedDescriptor?, _ place: Int, _ reply: inout ControlMessage,
        _ now: Instant
    ) -> ControlStatus {
        guard clients[place].binding == 0 else { return .attachedAlready }
        guard let queue = engine.freeQueue else { return .noQueue }
        let region: DeviceRegion
        do {
            region = try makeRegion(request, own)
        } catch {
            return error
        }
        do {
            clients[place].channel = try ChannelMemory(bytes: ApplicationChannel.bytes(of: configuration.channel))
        } catch {
            return .noMemory
        }
        let status = open(place, request, region, queue, now)
        if status != .done {
            detach(place, now)
            return status
        }
        reply.operands.0 = UInt64(clients[place].binding)
        guard sendRegion(place, region) else {
            detach(place, now)
            return .noMemory
        }
        return .done
    }

    private mutating func open(
        _ place: Int, _ request: ControlMessage, _ region: borrowing DeviceRegion, _ queue: Int, _ now: Instant
    ) -> ControlStatus {
        guard let channel = channel(place) else { return .noMemory }
        let limit = Int(clamping: request.operands.3)
        // What is out is remembered in the controller's memory: as much as partial reads of a region's slots need, and no more.
        let most = min(region.slotCount * 16, 1 << 24)
        var port = PortConfiguration(tokenLimit: limit == 0 ? region.slotCount * 2 : min(max(limit, 4), most))
        port.lifetime = request.operands.2 & 1 != 0 ? .binding : .connection
        port.uniform = request.operands.2 & 2 != 0
        let posted = engine.descriptorsPerQueue
        guard region.slotCount > posted + 16 else { return .regionTooSmall }
        var flows = OwnerConfiguration(slots: region.slotCount - posted)
        flows.quota = configuration.quota
        flows.warningTime = configuration.warningTime
        flows.stallAfter = configuration.stallAfter
        do {
            let bell = try WakeupLine()
            let other = try bell.duplicate()
            try engine.openPort(place, channel, port, bell: bell, flows: flows)
            var line = ControlMessage(.line)
            line.operands.0 = 1
            guard sendChannel(place), send(line, to: place, descriptor: other.fileDescriptor) else { return .noMemory }
        } catch let error as EngineError {
            log.warning("no place for a client: \(error)")
            return .noSlots
        } catch {
            return .noMemory
        }
        return bind(place, region, queue, uniform: port.uniform, now)
    }

    private mutating func bind(
        _ place: Int, _ region: borrowing DeviceRegion, _ queue: Int, uniform: Bool, _ now: Instant
    ) -> ControlStatus {
        var request = BindingRequest(queues: [queue])
        request.owner = place
        request.steering = engine.needsNoRules ? .spread : .rules
        do {
            let window = try flushWindow(region)
            clients[place].binding = try engine.bind(region, flushWindow: window, request, now: now, wait: wait)
        } catch let error as BindingError {
            return status(of: error)
        } catch {
            log.error("no flush window: \(error)")
            return .deviceFailed
        }
        return .done
    }

    private mutating func rehome(
        _ request: ControlMessage, _ own: consuming OwnedDescriptor?, _ place: Int, _ reply: inout ControlMessage,
        _ now: Instant
    ) -> ControlStatus {
        guard clients[place].binding != 0 else { return .notAttached }
        do {
            let region = try makeRegion(request, own)
            let window = try flushWindow(region)
            clients[place].binding = try engine.rehome(
                clients[place].binding, to: region, flushWindow: window, now: now, wait: wait)
            guard sendRegion(place, region) else { return .noMemory }
        } catch let error as ControlStatus {
            return error
        } catch let error as BindingError {
            return status(of: error)
        } catch {
            log.error("no flush window: \(error)")
            return .deviceFailed
        }
        reply.operands.0 = UInt64(clients[place].binding)
        return .done
    }

    /// The region that is asked for: of the controller's memory, or over memory of the client's own, which must never become
    /// shorter under the device or the consumer.
    private func makeRegion(
        _ request: ControlMessage, _ own: consuming OwnedDescriptor?
    ) throws(ControlStatus) -> DeviceRegion {
        let slotSize = request.operands.0
        let bytes = request.operands.1
        guard slotSize >= 2048, slotSize <= 2 << 20, slotSize & (slotSize - 1) == 0 else { throw .slotSize }
        guard bytes >= slotSize, bytes >= 4096 else { throw .regionTooSmall }
        guard bytes <= UInt64(configuration.mostRegionBytes) else { throw .noMemory }
        if let own {
            var file = stat()
            guard unsafe fstat(own.rawValue, &file) == 0, file.st_mode & S_IFMT == S_IFREG else { throw .badDescriptor }
            guard shim_cannot_shrink(own.rawValue) else { throw .notSealed }
            let size = Int(bytes) + DeviceRegion.flushPageBytes
            guard Int(file.st_size) >= size else { throw .tooShort }
            do {
                return try DeviceRegion(
                    taking: own, size: size, slotSize: Int(slotSize), visibility: configuration.visibility)
            } catch {
                throw .badDescriptor
            }
        }
        do {
            return try DeviceRegion(
                name: "client region", size: Int(bytes), slotSize: Int(slotSize), visibility: configuration.visibility)
        } catch {
            throw .noMemory
        }
    }

    private func channel(_ place: Int) -> ApplicationChannel? {
        switch clients[place].channel {
        case .some(let memory): ApplicationChannel(memory.view.bytes, shape: configuration.channel)
        case .none: nil
        }
    }

    private func sendChannel(_ place: Int) -> Bool {
        var notice = ControlMessage(.channel)
        let shape = configuration.channel
        notice.operands = (
            UInt64(ApplicationChannel.bytes(of: shape)), UInt64(shape.recordCapacity), UInt64(shape.returnCapacity),
            UInt64(shape.returnLanes), UInt64(shape.commandCapacity), UInt64(shape.linearBytes),
            UInt64(shape.sendBytes)
        )
        let fd: Int32
        switch clients[place].channel {
        case .some(let memory): fd = memory.object.fileDescriptor
        case .none: return false
        }
        return send(notice, to: place, descriptor: fd)
            && send(ControlMessage(.line), to: place, descriptor: engineLine.fileDescriptor)
    }

    private mutating func sendRegion(_ place: Int, _ region: borrowing DeviceRegion) -> Bool {
        var notice = ControlMessage(.region)
        notice.operands.0 = UInt64(clients[place].binding)
        notice.operands.1 = UInt64(region.slotBytes)
        notice.operands.2 = UInt64(region.slotSize)
        notice.operands.3 = UInt64(region.object.fileOffset)
        // A number is used again the moment that its region is drained: whoever had it is told before somebody else has it.
        tellGone(clients[place].binding)
        clients[place].regions.append(clients[place].binding)
        return send(notice, to: place, descriptor: region.object.fileDescriptor)
    }

    private mutating func leave(_ place: Int, _ now: Instant) -> ControlStatus {
        guard clients[place].binding != 0 else { return .notAttached }
        detach(place, now)
        return .done
    }

    // MARK: flows

    private func service(_ operand: UInt64) -> FlowClass {
        operand == 0 ? .shared : .guaranteed(slots: Int(clamping: min(operand, 1 << 20)))
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
        do throws(TCPError) {
            let id = try engine.stack.connect(
                to: IPv4Address(rawValue: UInt32(request.operands.0)), port: UInt16(request.operands.1), localPort: nil,
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

    private func status(of error: BindingError) -> ControlStatus {
        log.warning("no region for a client: \(error)")
        switch error {
        case .noQueues, .noSuchQueue, .queueTaken, .queueNamedTwice, .noSuchOwner: return .noQueue
        case .slotSize: return .slotSize
        case .slotSmallerThanFrame: return .slotTooSmall
        case .tooFewSlots: return .regionTooSmall
        case .tooManyRegions: return .noMemory
        case .tooManyDraining: return .tooManyDraining
        case .noSteering, .tooManyRules: return .noRule
        case .deviceGone: return .deviceGone
        case .memory: return .noMemory
        default: return .deviceFailed
        }
    }
}

/// Which process is at the other end, for messages; 0 when that cannot be told.
func peerProcess(_ fd: Int32) -> pid_t {
    var pid: pid_t = 0
    var uid: uid_t = 0
    return unsafe shim_peer_credentials(fd, &pid, &uid) == 0 ? pid : 0
}
