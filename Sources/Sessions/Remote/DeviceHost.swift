internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Foundation
internal import Glibc
internal import Logging
internal import SoftNIC
internal import Synchronization
internal import Timeline

/// What the device's side is to do, as it travels to another process.
enum DeviceTask: Codable, Sendable {
    case loopback(LoopbackOptions)
    case receive(ReceiveOptions)
    case send(SendOptions)

    var device: DeviceOptions {
        switch self {
        case .loopback(let options): options.device
        case .receive(let options): options.device
        case .send(let options): options.device
        }
    }
}

/// The thread or process in which the device's side runs, as the stack's side sees it.
struct DeviceHost: ~Copyable {
    /// The stack's end of the control socket.
    let socket: ControlSocket
    /// The child, when it is a process.
    let child: pid_t?
    /// Signalled when the thread has ended and everything it owned is gone, when it is a thread.
    let threadEnded: DispatchSemaphore?

    /// Starts the device's side and hands it the shared memory, and the far end of the device's cable where the device is
    /// driven from this side.
    static func start(
        _ task: DeviceTask, _ placement: Placement, memory: SessionMemory, region: borrowing DeviceRegion,
        lines: borrowing WakeupLines, cable: borrowing OwnedDescriptor? = nil
    ) throws(SessionError) -> DeviceHost {
        let (mine, theirs) = try ControlSocket.makePair()
        let socket = ControlSocket(taking: OwnedDescriptor(taking: mine))
        let other = OwnedDescriptor(taking: theirs)
        var child: pid_t?
        var ended: DispatchSemaphore?
        if placement == .twoProcesses {
            child = try spawn(task, other.rawValue)
        } else {
            let semaphore = DispatchSemaphore(value: 0)
            let descriptor = other.release()
            let thread = Thread {
                DeviceHost.serve(task, socket: descriptor)
                semaphore.signal()
            }
            thread.stackSize = 8 << 20
            thread.start()
            ended = semaphore
        }
        var message = ControlSocket.Message(.session)
        message.length = UInt64(memory.object.size)
        var sent = socket.send(message, descriptor: memory.object.fileDescriptor)
        message = ControlSocket.Message(.region)
        message.offset = UInt64(region.object.fileOffset)
        message.length = UInt64(region.object.size)
        sent = socket.send(message, descriptor: region.object.fileDescriptor) && sent
        sent = socket.send(.init(.line), descriptor: lines.application.fileDescriptor) && sent
        sent = socket.send(.init(.line), descriptor: lines.device.fileDescriptor) && sent
        switch cable {
        case .some(let cable): sent = socket.send(.init(.cable), descriptor: cable.rawValue) && sent
        case .none: break
        }
        guard sent else {
            throw SessionError(
                "cannot hand memory to the device's side: \(systemMessage(errno)); raise the limit of open files")
        }
        return DeviceHost(socket: socket, child: child, threadEnded: ended)
    }

    /// Starts this program again as the device's side, with the socket as descriptor 3.
    private static func spawn(_ task: DeviceTask, _ socket: Int32) throws(SessionError) -> pid_t {
        let text = String(decoding: encodeJSON(task) ?? [], as: UTF8.self)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, socket, 3)
        let words = ["uiodrv", "device-side", text]
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe []
        for word in words { unsafe arguments.append(strdup(word)) }
        unsafe arguments.append(nil)
        defer { for i in 0..<words.count { unsafe free(arguments[i]) } }
        var child: pid_t = 0
        let result = unsafe posix_spawn(&child, "/proc/self/exe", &actions, nil, arguments, environ)
        guard result == 0 else {
            throw SessionError("cannot start the device's side as a process: \(systemMessage(result)); use --threads 2")
        }
        return child
    }

    /// The device's side: takes the shared memory from `socket`, then serves until it is stopped.
    static func serve(_ task: DeviceTask, socket: Int32) {
        let control = ControlSocket(taking: OwnedDescriptor(taking: socket))
        do {
            let (session, sessionFD) = try control.expect()
            let (region, regionFD) = try control.expect()
            let lines = WakeupLines(
                application: WakeupLine(taking: OwnedDescriptor(taking: try control.expect().1)),
                device: WakeupLine(taking: OwnedDescriptor(taking: try control.expect().1)))
            var cable: OwnedDescriptor?
            if task.device.name.hasCable { cable = OwnedDescriptor(taking: try control.expect().1) }
            let memory = try SessionMemory(
                object: MemoryObject(
                    name: "session", taking: OwnedDescriptor(taking: sessionFD), size: Int(session.length)))
            let object = try DeviceRegion(
                taking: OwnedDescriptor(taking: regionFD), at: Int(region.offset), size: Int(region.length),
                slotSize: task.device.slotSize, visibility: .flushRead)
            let ready = memory.ready
            do {
                let serving = try DeviceServing(
                    task: task, region: object, memory: memory, control: control, lines: lines, cable: cable)
                try task.withFarEnd(serving)
            } catch {
                control.sendFailure(SessionError(error))
                ready.storeReleasing(2)
            }
            extendLifetime(memory)
        } catch {
            control.sendFailure(SessionError(error))
        }
    }
}

extension DeviceTask {
    func withFarEnd(_ serving: consuming DeviceServing) throws(SessionError) {
        switch self {
        case .loopback(let options): try options.withFarEnd(now: monotonicNow(), serving)
        case .receive(let options): try options.station.withFarEnd(of: options.device, serving)
        case .send(let options): try options.station.withFarEnd(of: options.device, serving)
        }
    }
}

/// What the device's side needs besides its wire.
struct DeviceServing: FarEndUser, ~Copyable {
    let task: DeviceTask
    let region: DeviceRegion
    let memory: SessionMemory
    /// A descriptor of its own: whoever starts the server keeps one to say why it could not start.
    let control: ControlSocket
    let lines: WakeupLines
    /// The device's cable, when the device is not here.
    let cable: OwnedDescriptor?

    init(
        task: DeviceTask, region: consuming DeviceRegion, memory: SessionMemory, control: borrowing ControlSocket,
        lines: consuming WakeupLines, cable: consuming OwnedDescriptor?
    ) throws(SessionError) {
        self.task = task
        self.memory = memory
        self.control = try control.duplicate()
        self.region = region
        self.lines = lines
        self.cable = cable
    }

    consuming func use<End: FarEnd & ~Copyable>(_ end: consuming End) throws(SessionError) {
        let channel = ApplicationChannel(memory.channelBytes)
        let line = try lines.application.end()
        if case .receive(let options) = task, let frames = options.frames {
            let consumer = try FrameConsumer(
                channel: channel, wakeup: line, region: region, frames, interface: "\(options.device.name)",
                outputPath: options.output)
            return try serve(end, consumer)
        }
        if case .send(let options) = task {
            let consumer = try SendConsumer(
                channel: channel, wakeup: line, region: region, source: options.source,
                seed: options.device.seed, fromRegion: options.fromRegion)
            return try serve(end, consumer)
        }
        if case .receive(let options) = task, options.service == .iperf3 {
            let consumer: IperfConsumer
            do {
                consumer = try IperfConsumer(channel: channel, wakeup: line, region: region, tests: options.connections)
            } catch { throw SessionError(error) }
            return try serve(end, consumer)
        }
        let consumer: Consumer
        do {
            switch task {
            case .loopback(let options):
                consumer = try Consumer(
                    channel: channel, wakeup: line, region: region, connections: options.flows, hold: options.hold,
                    service: .take,
                    outputPath: nil, trace: .disabled)
            case .receive(let options):
                consumer = try Consumer(
                    channel: channel, wakeup: line, region: region, connections: options.connections, hold: 0,
                    service: options.service,
                    outputPath: options.output, trace: .disabled)
            case .send: return
            }
        } catch {
            throw SessionError(error)
        }
        try serve(end, consumer)
    }

    private consuming func serve<End: FarEnd & ~Copyable, Application: RunConsumer & ~Copyable>(
        _ end: consuming End, _ consumer: consuming Application
    ) throws(SessionError) {
        let capacity = task.device.mtu + 64
        switch task.device.name {
        case .softnic:
            let nic = SoftNIC(configuration: task.device.model, trace: .disabled)
            let side = DeviceSide(port: nic, end: end, consumer: consumer, frameCapacity: capacity)
            DeviceServer(nic: nic, side: side, memory: memory, control: control, lines: lines).run()
        case .pci:
            let side = DeviceSide(port: AbsentPort(), end: end, consumer: consumer, frameCapacity: capacity)
            DeviceServer(nic: nil, side: side, memory: memory, control: control, lines: lines).run()
        case .qemu:
            guard let cable = cable else { throw SessionError("the device's cable did not arrive; run it again") }
            let port = try CablePort(taking: cable, frameCapacity: capacity)
            let side = DeviceSide(port: port, end: end, consumer: consumer, frameCapacity: capacity)
            DeviceServer(nic: nil, side: side, memory: memory, control: control, lines: lines).run()
        }
    }
}

/// Waits for the end of the device's side; reaps it where it is a process, and tells the stack when that ends early.
final class DeviceWatch: Sendable {
    private let child: pid_t?
    private let finished: DispatchSemaphore
    private let status = Atomic<Int32>(0)
    private let ended = Atomic<Bool>(false)

    /// - Parameter memory: the session's memory, of which the watch makes a mapping of its own.
    init(host: borrowing DeviceHost, memory: SessionMemory) {
        child = host.child
        finished = host.threadEnded ?? DispatchSemaphore(value: 0)
        guard let child else { return }
        let descriptor = memory.duplicate()
        let thread = Thread {
            var status: Int32 = 0
            while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
            self.status.store(status, ordering: .releasing)
            if let descriptor,
                let memory = try? SessionMemory(
                    object: MemoryObject(
                        name: "session", taking: OwnedDescriptor(taking: descriptor), size: SessionMemory.size))
            {
                MailboxBus(memory.mailboxBytes, window: .registers).markGone()
            }
            self.finished.signal()
        }
        thread.start()
    }

    /// How the process ended, for a message; what it had to say is on standard error already.
    var ending: String {
        let signal = status.load(ordering: .acquiring) & 0x7F
        return signal == 0 ? "ended" : "was killed by signal \(signal)"
    }

    /// Waits until the device's side is gone with everything that it owned; a process that does not end is killed.
    func end() {
        guard !ended.exchange(true, ordering: .relaxed) else { return }
        if finished.wait(timeout: .now() + 5) == .timedOut, let child {
            kill(child, SIGKILL)
            finished.wait()
        }
    }
}
