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

    var device: DeviceOptions {
        switch self {
        case .loopback(let options): options.device
        case .receive(let options): options.device
        }
    }
}

/// The thread or process in which the device's side runs, as the stack's side sees it.
struct DeviceHost: Sendable {
    /// The stack's end of the control socket.
    let socket: Int32
    /// The child, when it is a process.
    let child: pid_t?

    /// Starts the device's side and hands it the shared memory.
    static func start(
        _ task: DeviceTask, _ placement: Placement, memory: SessionMemory, region: borrowing DeviceRegion
    ) throws(SessionError) -> DeviceHost {
        let (mine, theirs) = try ControlSocket.makePair()
        var host = DeviceHost(socket: mine, child: nil)
        if placement == .twoProcesses {
            host = DeviceHost(socket: mine, child: try spawn(task, theirs))
            close(theirs)
        } else {
            let thread = Thread { DeviceHost.serve(task, socket: theirs) }
            thread.stackSize = 8 << 20
            thread.start()
        }
        // Borrowed for the hand-over: the descriptor belongs to whoever takes the host.
        let control = ControlSocket(taking: OwnedDescriptor(taking: dup(mine)))
        var message = ControlSocket.Message(.session)
        message.length = UInt64(memory.object.size)
        _ = control.send(message, descriptor: memory.object.fileDescriptor)
        message = ControlSocket.Message(.region)
        message.length = UInt64(region.object.size)
        _ = control.send(message, descriptor: region.object.fileDescriptor)
        return host
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
            let memory = try SessionMemory(
                object: MemoryObject(
                    name: "session", taking: OwnedDescriptor(taking: sessionFD), size: Int(session.length)))
            let object = try DeviceRegion(
                taking: OwnedDescriptor(taking: regionFD), size: Int(region.length), slotSize: task.device.slotSize,
                visibility: .flushRead)
            let ready = memory.ready
            // The report of a failure travels on a descriptor of its own: serving consumes this one.
            let words = ControlSocket(taking: OwnedDescriptor(taking: dup(socket)))
            let serving = DeviceServing(task: task, region: object, memory: memory, control: control)
            do {
                try task.withFarEnd(serving)
            } catch {
                words.sendFailure(error)
                ready.storeReleasing(2)
            }
        } catch {
            return
        }
    }
}

extension DeviceTask {
    func withFarEnd(_ serving: consuming DeviceServing) throws(SessionError) {
        switch self {
        case .loopback(let options): try options.withFarEnd(now: monotonicNow(), serving)
        case .receive(let options): try options.withFarEnd(serving)
        }
    }
}

/// What the device's side needs besides its wire.
struct DeviceServing: FarEndUser, ~Copyable {
    let task: DeviceTask
    let region: DeviceRegion
    let memory: SessionMemory
    let control: ControlSocket

    consuming func use<End: FarEnd & ~Copyable>(_ end: consuming End) throws(SessionError) {
        let nic = SoftNIC(configuration: task.device.model, trace: .disabled)
        let connections: Int
        let hold: Int
        var http = false
        var output: String?
        switch task {
        case .loopback(let options):
            connections = options.flows
            hold = options.hold
        case .receive(let options):
            connections = options.connections
            hold = 0
            http = options.http
            output = options.output
        }
        let consumer: Consumer
        do {
            consumer = try Consumer(
                channel: ApplicationChannel(memory.channelBytes), region: region, connections: connections, hold: hold,
                http: http, outputPath: output, trace: .disabled)
        } catch {
            throw SessionError(error)
        }
        let side = DeviceSide(nic: nic, end: end, consumer: consumer, frameCapacity: task.device.mtu + 64)
        let server = DeviceServer(nic: nic, side: side, memory: memory, control: control)
        server.run()
    }
}

/// Reaps a device's side that runs as a process, and tells the stack when it ends early.
final class DeviceWatch: Sendable {
    private let child: pid_t?
    private let finished = DispatchSemaphore(value: 0)
    private let status = Atomic<Int32>(0)
    private let ended = Atomic<Bool>(false)

    /// - Parameter memory: the session's memory, of which the watch makes a mapping of its own.
    init(host: DeviceHost, memory: SessionMemory) {
        child = host.child
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

    /// Waits until the process is gone; one that does not end by itself is killed.
    func end() {
        guard let child, !ended.exchange(true, ordering: .relaxed) else { return }
        if finished.wait(timeout: .now() + 5) == .timedOut {
            kill(child, SIGKILL)
            finished.wait()
        }
    }
}
