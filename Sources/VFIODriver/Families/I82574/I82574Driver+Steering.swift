internal import NICRegisters
public import Timeline

/// No filter sends a flow to a queue on this part: the hash chooses between the two, for all of TCP.
extension I82574Driver {
    public static var ruleCapacity: Int { 0 }
    public var rules: [SteeringRule] { [] }

    public mutating func addRule(
        _ rule: SteeringRule, queue: Int, wait: (Interval) -> Void
    ) throws(DriverError) {
        try checkQueue(queue)
        throw .noFilters(controller: "82574")
    }

    @discardableResult public mutating func removeRule(
        _ rule: SteeringRule, wait: (Interval) -> Void
    ) throws(DriverError) -> Bool { false }

    public mutating func setSpread(over queues: [Int]) throws(DriverError) {
        for queue in queues { try checkQueue(queue) }
        spread = QueueSpread(over: queues)
        writeSpread()
    }

    /// The redirection table as ``setSpread(over:)`` left it: bit 7 of each entry is the queue.
    func writeSpread() {
        for i in 0..<32 { registers.write(I82574.reta(i), PlainValue(spread.word(i) { UInt32($0) << 7 })) }
    }
}
