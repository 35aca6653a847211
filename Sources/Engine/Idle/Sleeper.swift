public import DeviceMemory
public import ClientKit
internal import CShim
internal import Glibc
public import Timeline

/// What ended a sleep.
public enum Waking: Sendable, Hashable {
    /// A vector fired.
    case device
    /// The application rang.
    case application
    /// The time was up, or a signal came.
    case time
}

/// Waits for whatever may wake an engine: its application, its device, or the time.
public struct Sleeper: ~Copyable {
    private let line: WakeupLine

    /// Sleeps on `line`, which the engine's application rings.
    public init(_ line: consuming WakeupLine) { self.line = line }

    /// A device that signals by writing to memory is asked this often.
    private static var memorySignalStep: Interval { .microseconds(50) }

    /// Sleeps until the application rings, a vector of `device` fires, `other` is readable, or `limit` has passed.
    ///
    /// Only after ``Engine/fallAsleep(now:)`` has said that there is nothing to do: rings before that are kept and end the
    /// wait.
    /// - Parameter other: a further descriptor, such as a controller's clients; -1 is none.
    public borrowing func wait<D: PCIDevice>(on device: D, limit: Interval, other: Int32 = -1) -> Waking {
        let descriptors = device.interruptDescriptors
        var entries = [pollfd(fd: line.fileDescriptor, events: Int16(POLLIN), revents: 0)]
        if other >= 0 { entries.append(pollfd(fd: other, events: Int16(POLLIN), revents: 0)) }
        for descriptor in descriptors { entries.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
        var left = limit
        var fired = false
        while left > .zero {
            let step = descriptors.isEmpty ? min(left, Self.memorySignalStep) : left
            let ready = unsafe shim_poll(&entries, entries.count, step.nanoseconds)
            if ready != 0 { break }
            fired = device.takeInterrupts() != 0
            if fired { break }
            left.nanoseconds -= step.nanoseconds
        }
        let isRung = line.take()
        let hasFired = device.takeInterrupts() != 0 || fired
        return hasFired ? .device : isRung ? .application : .time
    }
}
