internal import Glibc
internal import Synchronization

/// SIGINT and SIGTERM as a flag that loops look at: queues are stopped and results printed before the process ends.
public enum StopRequest {
    private static let flag = Atomic<Bool>(false)

    /// Whether the run was asked to end.
    public static var isMade: Bool { flag.load(ordering: .relaxed) }

    /// Asks the run to end.
    public static func make() { flag.store(true, ordering: .relaxed) }

    /// Catches both signals from now on.
    public static func catchSignals() {
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                // Whoever asks twice does not want to wait for good order.
                if StopRequest.isMade {
                    signal(number, SIG_DFL)
                    raise(number)
                }
                StopRequest.make()
            }
        }
    }
}
