public import DeviceMemory
internal import CShim
internal import Glibc
public import Timeline

/// Waits for whatever may wake an engine: its application, its device, or the time.
public struct Sleeper: ~Copyable {
    private let line: WakeupLine

    /// Sleeps on `line`, which the engine's application rings.
    public init(_ line: consuming WakeupLine) { self.line = line }

    /// A device that signals by writing to memory is asked this often.
    private static var memorySignalStep: Interval { .microseconds(50) }

    /// Sleeps until the application rings, a vector of `device` fires, or `limit` has passed.
    ///
    /// Only after ``Engine/fallAsleep()`` has said that there is nothing to do: rings before that are kept and end the wait.
    ///
    /// - Returns: what ended the wait; a signal counts as the application.
    @discardableResult
    public borrowing func wait<D: PCIDevice>(on device: D, limit: Interval) -> Wakeup {
        let descriptors = device.interruptDescriptors
        var entries = [pollfd(fd: line.fileDescriptor, events: Int16(POLLIN), revents: 0)]
        for descriptor in descriptors { entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
        var left = limit
        var reason = Wakeup.time
        while left > .zero {
            let step = descriptors.isEmpty ? min(left, Self.memorySignalStep) : left
            let ready = unsafe shim_poll(&entries, entries.count, step.nanoseconds)
            if device.takeInterrupts() != 0 {
                reason = .device
                break
            }
            if ready != 0 {
                reason = .application
                break
            }
            left.nanoseconds -= step.nanoseconds
        }
        line.clear()
        return reason
    }
}

/// What woke a sleeper.
public enum Wakeup: Sendable, Hashable {
    /// The application rang, or a signal came.
    case application
    /// A vector of the device fired.
    case device
    /// The time was over.
    case time
}
