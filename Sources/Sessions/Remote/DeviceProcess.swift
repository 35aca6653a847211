internal import Glibc

/// The device's side as a process of its own.
public enum DeviceProcess {
    /// Serves the stack at the other end of descriptor 3 until it is told to stop.
    ///
    /// Signals of the terminal are left to the stack's process, which ends this one in good order.
    public static func run(task: String) throws(SessionError) {
        guard let task = decodeJSON(DeviceTask.self, Array(task.utf8)), fcntl(3, F_GETFD) >= 0 else {
            throw SessionError("device-side is started by uiodrv itself, with --isolate; run that")
        }
        signal(SIGINT, SIG_IGN)
        signal(SIGTERM, SIG_IGN)
        DeviceHost.serve(task, socket: 3)
    }
}
