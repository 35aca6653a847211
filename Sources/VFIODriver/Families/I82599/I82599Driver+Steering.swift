internal import NICRegisters
public import Timeline

/// Rules in the 5-tuple filters, which take wildcards, where the flow director's masks hold for all its rules; everything
/// else by the redirection table.
extension I82599Driver {
    public static var ruleCapacity: Int { I82599.fiveTupleCount }
    public var rules: [SteeringRule] { table.rules }

    public mutating func addRule(
        _ rule: SteeringRule, queue: Int, wait: (Interval) -> Void
    ) throws(DriverError) {
        try checkQueue(queue)
        let filter = try table.place(for: rule)
        if table.entries[filter] == nil { describe(rule, in: filter) }
        registers.write(I82599.l34timir(filter), filterQueue(queue))
        let wanted = filterControl(rule)
        registers.write(I82599.ftqf(filter), wanted)
        guard registers.read(I82599.ftqf(filter)) == wanted else {
            registers.write(I82599.ftqf(filter), .init())
            throw .filterNotKept(filter: filter)
        }
        table.set(filter, .init(rule: rule, queue: queue))
    }

    @discardableResult public mutating func removeRule(
        _ rule: SteeringRule, wait: (Interval) -> Void
    ) throws(DriverError) -> Bool {
        guard let filter = table.filter(of: rule) else { return false }
        registers.write(I82599.ftqf(filter), .init())
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
        for i in 0..<32 { registers.write(I82599.reta(i), PlainValue(spread.word(i))) }
    }

    /// All filters as ``addRule(_:queue:wait:)`` left them; those of others are off.
    func writeRules() {
        for filter in 0..<I82599.fiveTupleCount {
            registers.write(I82599.ftqf(filter), .init())
            guard let entry = table.entries[filter] else { continue }
            describe(entry.rule, in: filter)
            registers.write(I82599.l34timir(filter), filterQueue(entry.queue))
            registers.write(I82599.ftqf(filter), filterControl(entry.rule))
        }
    }

    /// What a filter compares; addresses and ports as they lie in the frame.
    private func describe(_ rule: SteeringRule, in filter: Int) {
        registers.write(I82599.saqf(filter), PlainValue((rule.remoteAddress ?? 0).byteSwapped))
        registers.write(I82599.daqf(filter), PlainValue((rule.localAddress ?? 0).byteSwapped))
        registers.write(
            I82599.sdpqf(filter),
            PlainValue(
                UInt32(rule.localPort.byteSwapped) << 16 | UInt32((rule.remotePort ?? 0).byteSwapped)))
    }

    private func filterQueue(_ queue: Int) -> I82599.FiveTupleQueue {
        .init().setting(.reserved, 0x40).setting(.sizeBypass).setting(.queue, UInt32(queue))
    }

    /// Protocol code 0 is TCP; of the mask, 1 is ignored: source and destination address, source port.
    private func filterControl(_ rule: SteeringRule) -> I82599.FiveTupleFilter {
        let mask: UInt32 =
            (rule.remoteAddress == nil ? 1 : 0) | (rule.localAddress == nil ? 2 : 0) | (rule.remotePort == nil ? 4 : 0)
        return .init().setting(.enable).setting(.poolMask).setting(.protocolCode, 0).setting(.mask, mask)
            .setting(.priority, rule.precision)
    }
}
