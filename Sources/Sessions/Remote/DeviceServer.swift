internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Glibc
internal import SoftNIC
internal import Timeline

/// Serves a ``DeviceSide`` to a stack in another thread or process until it is told to stop or the stack is gone.
struct DeviceServer<End: FarEnd & ~Copyable, Port: DevicePort & ~Copyable, Application: RunConsumer & ~Copyable>:
    ~Copyable
{
    /// The model behind the mailbox; `nil` where the device is elsewhere.
    private let nic: SoftNIC?
    private var side: DeviceSide<End, Port, Application>
    private var mailbox: MailboxServer
    private let memory: SessionMemory
    private let control: ControlSocket
    private let lines: WakeupLines
    private var attended: UInt32 = 0

    init(
        nic: SoftNIC?, side: consuming DeviceSide<End, Port, Application>, memory: SessionMemory,
        control: consuming ControlSocket, lines: consuming WakeupLines
    ) {
        self.nic = nic
        self.side = side
        mailbox = MailboxServer(memory.mailboxBytes)
        self.memory = memory
        self.control = control
        self.lines = lines
    }

    /// Runs until the end, then sends the report.
    consuming func run() {
        memory.ready.storeReleasing(1)
        var idle = 0
        var turns = 0
        while memory.stop.loadAcquiring() == 0 {
            let now = monotonicNow()
            var worked = false
            if let nic {
                nic.now = now
                worked = serveMailbox(nic)
            }
            if memory.attention.loadAcquiring() != attended {
                attended &+= 1
                guard serveControl() else { break }
                worked = true
            }
            side.isPlugged = memory.plugged.loadAcquiring() != 0
            if side.poll(now: now) { worked = true }
            memory.progress.storeRelaxed(side.consumedBytes)
            // A vector that nobody waits for is one system call; a stack that polls has them masked.
            if let nic, nic.takeInterrupts() != 0 { lines.device.ring() }
            if memory.done.loadRelaxed() == 0 && (side.isDone || side.hasRunDry(now: now)) {
                memory.done.storeReleasing(1)
                lines.application.ring()
            }
            // A stack that died leaves nobody to stop us, however busy the wire is.
            turns &+= 1
            if turns & 0x3FF == 0 && control.state == .closed { break }
            idle = worked ? 0 : idle &+ 1
            if idle > 64 { pauseBriefly() }
        }
        mailbox.markGone()
        lines.application.ring()
        sendReport()
    }

    private mutating func serveMailbox(_ nic: SoftNIC) -> Bool {
        let registers = SoftBus(nic, .registers)
        let flushPage = SoftBus(nic, .flushPage)
        var worked = false
        while let request = mailbox.next() {
            worked = true
            nic.now = monotonicNow()
            switch (request.kind, request.window) {
            case (.write, .registers): registers.write32(request.offset, request.value)
            case (.write, .configuration): nic.writeConfig32(Int(request.offset), request.value)
            case (.write, .reset): nic.reset()
            case (.write, .flushPage), (.write, .interrupts): break
            case (.read, .interrupts): mailbox.answer(enableInterrupts(nic, Int(request.offset)))
            case (.read, .registers): mailbox.answer(registers.read32(request.offset))
            case (.read, .flushPage): mailbox.answer(flushPage.read32(request.offset))
            case (.read, .configuration): mailbox.answer(nic.readConfig32(Int(request.offset)))
            case (.read, .reset): mailbox.answer(.max)
            }
        }
        return worked
    }

    /// The answer says how many vectors there are now.
    private func enableInterrupts(_ nic: SoftNIC, _ count: Int) -> UInt32 {
        do {
            try SoftPCIDevice(nic).enableInterrupts(vectors: count)
            return UInt32(truncatingIfNeeded: count)
        } catch {
            return 0
        }
    }

    /// One request on the control socket; false when the other side has ended.
    private func serveControl() -> Bool {
        guard let (message, fd) = control.receive(wait: true) else { return false }
        var answer = message
        do {
            answer.iova = try carryOut(message, fd >= 0 ? OwnedDescriptor(taking: fd) : nil)?.rawValue ?? 0
            answer.status = 0
        } catch {
            answer.status = error.statusCode
        }
        return control.send(answer)
    }

    private func carryOut(
        _ message: ControlSocket.Message, _ descriptor: consuming OwnedDescriptor?
    ) throws(DeviceMemoryError) -> IOVA? {
        let (end, overflow) = message.offset.addingReportingOverflow(message.length)
        guard !overflow, let size = Int(exactly: end), let offset = Int(exactly: message.offset),
            let length = Int(exactly: message.length)
        else { throw .cannotMap(name: "memory of the stack", bytes: 0, errno: EINVAL) }
        guard let nic else { throw .deviceGone }
        switch ControlSocket.Operation(rawValue: message.operation) {
        case .map, .mapRegion:
            guard let descriptor = descriptor.take() else {
                throw .cannotMap(name: "memory of the stack", bytes: length, errno: EBADF)
            }
            let object = try MemoryObject(name: "memory of the stack", taking: descriptor, size: size)
            return try nic.map(
                object, offset: offset, length: length,
                rights: AccessRights(rawValue: UInt8(truncatingIfNeeded: message.rights)),
                isRegion: message.operation == ControlSocket.Operation.mapRegion.rawValue)
        case .unmap:
            try nic.unmap(IOVA(message.iova), length: length)
            return nil
        default:
            throw .cannotMap(name: "memory of the stack", bytes: length, errno: EINVAL)
        }
    }

    private mutating func sendReport() {
        side.finish()
        guard let bytes = encodeJSON(side.report()) else { return }
        control.sendBytes(bytes)
    }
}
