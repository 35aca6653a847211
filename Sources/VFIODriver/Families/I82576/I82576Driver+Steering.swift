internal import NICRegisters
public import Timeline

/// Rules in the eight 5-tuple filters, everything else by the redirection table.
extension I82576Driver {
    public static var ruleCapacity: Int { I82576.fiveTupleCount }
    public var rules: [SteeringRule] { table.rules }

    public mutating func addRule(
        _ rule: SteeringRule, queue: Int, wait: (Interval) -> Void
    ) throws(DriverError) {
        try checkQueue(queue)
        let filter = try table.place(for: rule)
        // A rule that is there is one write away from its new queue: no frame finds none.
        if table.entries[filter] == nil { describe(rule, in: filter) }
        let wanted = filterControl(rule, queue)
        registers.write(I82576.ftqf(filter), wanted)
        guard registers.read(I82576.ftqf(filter)) == wanted else {
            registers.write(I82576.ftqf(filter), .init())
            throw .filterNotKept(filter: filter)
        }
        table.set(filter, .init(rule: rule, queue: queue))
    }

    @discardableResult public mutating func removeRule(
        _ rule: SteeringRule, wait: (Interval) -> Void
    ) throws(DriverError) -> Bool {
        guard let filter = table.filter(of: rule) else { return false }
        registers.write(I82576.ftqf(filter), .init())
        table.set(filter, nil)
        return true
    }

    public mutating func setSpread(over queues: [Int]) throws(DriverError) {
        for queue in queues { try checkQueue(queue) }
        spread = QueueSpread(over: queues)
        writeSpread()
    }

    /// The redirection table as ``setSpread(over:)`` left it.
    func writeSpread() {
        for i in 0..<32 { registers.write(I82576.reta(i), PlainValue(spread.word(i))) }
    }

    /// All filters as ``addRule(_:queue:wait:)`` left them; those of others are off.
    func writeRules() {
        for filter in 0..<I82576.fiveTupleCount {
            registers.write(I82576.ftqf(filter), .init())
            guard let entry = table.entries[filter] else { continue }
            describe(entry.rule, in: filter)
            registers.write(I82576.ftqf(filter), filterControl(entry.rule, entry.queue))
        }
    }

    /// What a filter compares; addresses and ports as they lie in the frame.
    private func describe(_ rule: SteeringRule, in filter: Int) {
        registers.write(I82576.saqf(filter), PlainValue((rule.remoteAddress ?? 0).byteSwapped))
        registers.write(I82576.daqf(filter), PlainValue((rule.localAddress ?? 0).byteSwapped))
        registers.write(I82576.spqf(filter), PlainValue(UInt32((rule.remotePort ?? 0).byteSwapped)))
        registers.write(
            I82576.imir(filter),
            .init().setting(.destinationPort, UInt32(rule.localPort.byteSwapped)).setting(.priority, rule.precision))
        registers.write(I82576.imirext(filter), .init().setting(.sizeBypass).setting(.controlBypass))
    }

    private func filterControl(_ rule: SteeringRule, _ queue: Int) -> I82576.FiveTupleFilter {
        .init().setting(.ipProtocol, 6).setting(.queueEnable).setting(.poolBypass).setting(.queue, UInt32(queue))
            .setting(.sourceAddressBypass, rule.remoteAddress == nil)
            .setting(.destinationAddressBypass, rule.localAddress == nil)
            .setting(.sourcePortBypass, rule.remotePort == nil)
    }
}
