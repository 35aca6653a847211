internal import CShim
internal import DeviceMemory
internal import Engine
internal import Glibc
internal import SoftNIC
internal import Timeline

/// Serves a ``DeviceSide`` to a stack in another thread or process until it is told to stop or the stack is gone.
struct DeviceServer<End: FarEnd & ~Copyable>: ~Copyable {
    private let nic: SoftNIC
    private var side: DeviceSide<End>
    private var mailbox: MailboxServer
    private let memory: SessionMemory
    private let control: ControlSocket
    private var attended: UInt32 = 0

    init(
        nic: SoftNIC, side: consuming DeviceSide<End>, memory: SessionMemory, control: consuming ControlSocket
    ) {
        self.nic = nic
        self.side = side
        mailbox = MailboxServer(memory.mailboxBytes)
        self.memory = memory
        self.control = control
    }

    /// Runs until the end, then sends the report.
    consuming func run() {
        let registers = SoftBus(nic, .registers)
        let flushPage = SoftBus(nic, .flushPage)
        memory.ready.storeReleasing(1)
        var idle = 0
        while memory.stop.loadAcquiring() == 0 {
            let now = monotonicNow()
            nic.now = now
            var worked = serveMailbox(registers, flushPage)
            if memory.attention.loadAcquiring() != attended {
                attended &+= 1
                guard serveControl() else { break }
                worked = true
            }
            side.isPlugged = memory.plugged.loadAcquiring() != 0
            if side.poll(now: now) { worked = true }
            memory.progress.storeRelaxed(side.consumedBytes)
            if side.isDone || side.hasRunDry(now: now) { memory.done.storeReleasing(1) }
            if worked {
                idle = 0
            } else {
                idle &+= 1
                if idle > 64 {
                    // A parent that died leaves nobody to stop us.
                    if idle & 0xFFF == 0 && !isPeerAlive { break }
                    pauseBriefly()
                }
            }
        }
        mailbox.markGone()
        sendReport()
    }

    private mutating func serveMailbox(_ registers: SoftBus, _ flushPage: SoftBus) -> Bool {
        var worked = false
        while let request = mailbox.next() {
            worked = true
            nic.now = monotonicNow()
            switch (request.kind, request.window) {
            case (.write, .registers): registers.write32(request.offset, request.value)
            case (.write, .configuration): nic.writeConfig32(Int(request.offset), request.value)
            case (.write, .reset): nic.reset()
            case (.write, .flushPage): break
            case (.read, .registers): mailbox.answer(registers.read32(request.offset))
            case (.read, .flushPage): mailbox.answer(flushPage.read32(request.offset))
            case (.read, .configuration): mailbox.answer(nic.readConfig32(Int(request.offset)))
            case (.read, .reset): mailbox.answer(.max)
            }
        }
        return worked
    }

    /// One request on the control socket; false when the other side has ended.
    private func serveControl() -> Bool {
        guard let (message, fd) = control.receive(wait: true) else { return false }
        var answer = message
        answer.status = 1
        do {
            switch ControlSocket.Operation(rawValue: message.operation) {
            case .map, .mapRegion:
                guard fd >= 0 else { break }
                let object = try MemoryObject(
                    name: "memory of the stack", taking: OwnedDescriptor(taking: fd),
                    size: Int(message.offset + message.length))
                let iova = try nic.map(
                    object, offset: Int(message.offset), length: Int(message.length),
                    rights: AccessRights(rawValue: UInt8(truncatingIfNeeded: message.rights)),
                    isRegion: message.operation == ControlSocket.Operation.mapRegion.rawValue)
                answer.iova = iova.rawValue
                answer.status = 0
            case .unmap:
                try nic.unmap(IOVA(message.iova), length: Int(message.length))
                answer.status = 0
            default: break
            }
        } catch {
            answer.status = 1
        }
        return control.send(answer)
    }

    private var isPeerAlive: Bool {
        var byte: UInt8 = 0
        let n = unsafe recv(control.fileDescriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        return n > 0 || (n < 0 && errno == EAGAIN)
    }

    private func sendReport() {
        guard let bytes = encodeJSON(side.report()) else { return }
        control.sendBytes(bytes)
    }
}
