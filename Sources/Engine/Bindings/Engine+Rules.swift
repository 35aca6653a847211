internal import DeviceMemory
public import Timeline
public import VFIODriver

/// A rule that is in force, and for which binding.
@usableFromInline struct InstalledRule: Hashable, Sendable {
    var rule: SteeringRule
    var binding: UInt16
}

extension Engine where Driver: ~Copyable {
    /// Steers what matches `rule` to a queue of a binding, round its queues from rule to rule; the rule ends with the binding.
    public mutating func addRule(
        _ rule: SteeringRule, binding number: UInt16, wait: (Interval) -> Void
    ) throws(BindingError) {
        let place = Int(number)
        guard place > 0, place < regions.count, regions[place].state == .active else { throw .noSuchBinding(number) }
        let candidates = queuesOf(place)
        guard let queue = candidates.isEmpty ? nil : candidates[rules.count % candidates.count] else {
            throw .noSuchBinding(number)
        }
        guard rules.count < Driver.ruleCapacity else { throw .tooManyRules(limit: Driver.ruleCapacity) }
        do {
            try driver.addRule(rule, queue: queue, wait: wait)
        } catch {
            throw .driver(error.description)
        }
        rules.append(InstalledRule(rule: rule, binding: number))
    }

    /// Takes a rule back; nothing happens when there is none like it.
    public mutating func removeRule(_ rule: SteeringRule, wait: (Interval) -> Void) {
        guard let index = rules.firstIndex(where: { $0.rule == rule }) else { return }
        // The filter of a device that is gone is gone with it.
        _ = try? driver.removeRule(rule, wait: wait)
        rules.remove(at: index)
    }

    /// Rules in force, and how many the device holds.
    public var ruleCount: (used: Int, limit: Int) { (rules.count, Driver.ruleCapacity) }
}
