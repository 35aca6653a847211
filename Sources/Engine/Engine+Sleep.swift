internal import ClientKit
internal import DeviceMemory
public import Timeline
internal import VFIODriver

/// Sleep: arm everything that may bring work, look once more, wait.
extension Engine where Driver: ~Copyable {
    /// Lets vector 0 of the device wake a sleeper; once, before the first ``fallAsleep(now:)``.
    ///
    /// - Throws: when the device has no interrupts: then poll it, or ask it from time to time.
    public mutating func enableInterrupts() throws(EngineError) {
        do {
            try driver.device.enableInterrupts(vectors: 1)
        } catch {
            throw .driver(.memory(error))
        }
        driver.routeInterrupts()
        hasInterrupts = true
    }

    /// Whether the caller may sleep until ``nextDeadline``, the device's vector or an application's ring.
    ///
    /// Arms all, then looks once more at everything: what came before arming is seen here, and what comes after wakes.
    /// After `true`, call ``wakeUp()`` before the next poll.
    public mutating func fallAsleep(now: Instant) -> Bool {
        for owner in 0..<ports.count where openPorts[owner] { ports[owner].gate.arm() }
        driver.armInterrupts()
        for owner in 0..<ports.count where openPorts[owner] { _ = ports[owner].gate.publications }
        if poll(now: now) {
            wakeUp()
            return false
        }
        return true
    }

    /// Takes the arming back.
    public func wakeUp() {
        driver.maskInterrupts()
        for owner in 0..<ports.count where openPorts[owner] { ports[owner].gate.disarm() }
    }
}
