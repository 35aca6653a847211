internal import CShim
internal import DeviceMemory
internal import Glibc
internal import Timeline

/// A running QEMU, which ends with this value.
///
/// It also ends, killed by the kernel, with the thread that started it: the one that uses the device. Whatever it works on it
/// inherits as descriptors, so that it leaves nothing in the file system however it ends.
struct QEMUProcess: ~Copyable {
    private let pid: pid_t
    private let output: MemoryObject

    /// Starts `executable`; `descriptors` become its descriptors 3, 4 and so on.
    init(executable: String, arguments: [String], descriptors: [Int32]) throws(DriverError) {
        let words: MemoryObject
        do {
            words = try MemoryObject(name: "QEMU's words", size: 16 << 10)
        } catch {
            throw .memory(error)
        }
        var list: [UnsafeMutablePointer<CChar>?] = unsafe []
        for argument in [executable] + arguments { unsafe list.append(strdup(argument)) }
        unsafe list.append(nil)
        defer { unsafe list.forEach { unsafe free($0) } }
        var child: pid_t = 0
        let result = unsafe shim_spawn_tethered(
            executable, list, descriptors, Int32(descriptors.count), words.fileDescriptor, &child)
        guard result == 0 else { throw .qemuCannotStart(path: executable, errno: result) }
        pid = child
        output = words
    }

    deinit {
        Glibc.kill(pid, SIGKILL)
        while waitpid(pid, nil, 0) < 0 && errno == EINTR {}
    }

    /// Whether it has ended by itself; its exit status stays to be collected.
    var hasEnded: Bool {
        var information = unsafe siginfo_t()
        let result = unsafe waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT)
        return unsafe result == 0 && information.si_signo != 0
    }

    /// Ends it without asking.
    func kill() {
        Glibc.kill(pid, SIGKILL)
        _ = waitForEnd(.seconds(5))
    }

    /// Waits until it has ended, for at most `limit`.
    func waitForEnd(_ limit: Interval) -> Bool {
        let step = Interval.milliseconds(2)
        var waited = Interval.zero
        while !hasEnded {
            guard waited < limit else { return false }
            usleep(UInt32(step.nanoseconds / 1000))
            waited = waited + step
        }
        return true
    }

    /// What it wrote on standard output and error, from the start.
    var words: String {
        guard let view = try? output.view(rights: .read) else { return "" }
        let bytes = view.bytes.readOnly.array()
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The last line of ``words``, for a message.
    var lastWords: String {
        words.split(separator: "\n").last.map(String.init) ?? "it said nothing"
    }
}
