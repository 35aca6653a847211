import Glibc

/// A client in a process of its own.
struct Victim {
    let pid: pid_t

    /// Starts `program`; `nil` when the machine has no process left.
    init?(
        _ program: String, socket: String, port: UInt16, seed: UInt64, regionBytes: Int, slotSize: Int, flags: Int,
        hold: Int, slots: Int
    ) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        let words = [
            program, socket, String(port), String(seed), String(regionBytes), String(slotSize), String(flags),
            String(hold), String(slots),
        ]
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        var child: pid_t = 0
        guard posix_spawn(&child, program, &actions, nil, arguments, environ) == 0 else { return nil }
        pid = child
    }

    /// How it ended, if it has: its exit status, or 128 and the signal.
    func ended() -> Int32? {
        var status: Int32 = 0
        guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    func kill() { _ = Glibc.kill(pid, SIGKILL) }

    /// Waits for the end of a process that was killed.
    func reap() {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    }
}
