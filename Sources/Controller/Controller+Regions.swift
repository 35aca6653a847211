internal import CShim
internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Glibc
internal import Logging
internal import TCPLite
internal import Timeline
internal import VFIODriver

/// Regions of clients: memory, channel and queue are handed over together, or not at all.
extension Controller where Driver: ~Copyable {
    mutating func attach(
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
        guard let lent = slotsToLend(request, region) else { return .noSending }
        clients[place].slots = region.slotCount - engine.descriptorsPerQueue - lent
        guard clients[place].slots > 16 else { return .regionTooSmall }
        var flows = OwnerConfiguration(slots: clients[place].slots)
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
        return bind(place, region, queue, lending: lent, now)
    }

    /// Slots of a region that the client asks for to send from; `nil` when nobody may.
    private func slotsToLend(_ request: ControlMessage, _ region: borrowing DeviceRegion) -> Int? {
        let bytes = request.operands.4
        if bytes == 0 { return 0 }
        guard engine.stack.configuredPlacedSends > 0 else { return nil }
        let slots = (bytes - 1) / UInt64(region.slotSize) + 1
        return Int(min(slots, UInt64(region.slotCount)))
    }

    private mutating func bind(
        _ place: Int, _ region: borrowing DeviceRegion, _ queue: Int, lending lent: Int, _ now: Instant
    ) -> ControlStatus {
        var request = BindingRequest(queues: [queue])
        request.owner = place
        request.steering = engine.needsNoRules ? .spread : .rules
        do {
            let window = try flushWindow(region)
            clients[place].binding = try engine.bind(region, flushWindow: window, request, now: now, wait: wait)
            if lent > 0 { try engine.lendForSending(clients[place].binding, slots: lent) }
        } catch let error as BindingError {
            return status(of: error)
        } catch {
            log.error("no flush window: \(error)")
            return .deviceFailed
        }
        return .done
    }

    mutating func rehome(
        _ request: ControlMessage, _ own: consuming OwnedDescriptor?, _ place: Int, _ reply: inout ControlMessage,
        _ now: Instant
    ) -> ControlStatus {
        guard clients[place].binding != 0 else { return .notAttached }
        do {
            let region = try makeRegion(request, own)
            guard let lent = slotsToLend(request, region) else { return .noSending }
            // What its connections were promised must be there in the new one as well.
            guard lent == 0 || region.slotCount - engine.descriptorsPerQueue - lent >= clients[place].slots else {
                return .regionTooSmall
            }
            let window = try flushWindow(region)
            clients[place].binding = try engine.rehome(
                clients[place].binding, to: region, flushWindow: window, now: now, wait: wait)
            if lent > 0 { try engine.lendForSending(clients[place].binding, slots: lent) }
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

    mutating func leave(_ place: Int, _ now: Instant) -> ControlStatus {
        guard clients[place].binding != 0 else { return .notAttached }
        detach(place, now)
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
