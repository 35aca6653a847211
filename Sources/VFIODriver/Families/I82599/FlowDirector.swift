internal import DeviceMemory
internal import NICRegisters
public import Timeline

/// One flow that flow director steers: IPv4, with both ports.
public struct FlowRule: Sendable, Hashable {
    /// Which transport.
    public enum Transport: UInt8, Sendable, Hashable {
        case udp = 1
        case tcp = 2
        case sctp = 3
    }

    /// Transport of the flow.
    public var transport: Transport
    /// Addresses as numbers, first byte highest.
    public var source: UInt32
    public var destination: UInt32
    public var sourcePort: UInt16
    public var destinationPort: UInt16
    /// Where its frames go.
    public var queue: Int

    /// Names every field.
    public init(
        _ transport: Transport, source: UInt32, destination: UInt32, sourcePort: UInt16, destinationPort: UInt16,
        queue: Int
    ) {
        self.transport = transport
        self.source = source
        self.destination = destination
        self.sourcePort = sourcePort
        self.destinationPort = destinationPort
        self.queue = queue
    }

    var bucket: UInt32 {
        FlowDirectorBucket.of(
            flowType: transport.rawValue, source: source, destination: destination, sourcePort: sourcePort,
            destinationPort: destinationPort)
    }
}

/// What flow director takes and gives.
enum FlowDirector {
    /// Packet buffer that its table takes (PBALLOC 1), in KiB.
    static let memoryKiB = 64
    /// Filters that fit in it.
    static let capacity = 2046
}

extension I82599Driver {
    /// Turns flow director on for perfect matches of IPv4 flows; once, before the receiver is used.
    public func enableFlowDirector(wait: (Interval) -> Void) throws(DriverError) {
        registers.write(I82599.fdirhkey, PlainValue(FlowDirectorBucket.key))
        registers.write(I82599.fdirskey, PlainValue(FlowDirectorBucket.signatureKey))
        // Addresses, ports and transport count; tags, pools and flexible bytes do not. The masks hold for all filters.
        registers.write(
            I82599.fdirm,
            .init().setting(.vlanID).setting(.vlanPriority).setting(.pool).setting(.flexible).setting(.ipv6))
        registers.write(I82599.fdirsip4m, PlainValue(0))
        registers.write(I82599.fdirdip4m, PlainValue(0))
        registers.write(I82599.fdirtcpm, PlainValue(0))
        registers.write(I82599.fdirudpm, PlainValue(0))
        registers.write(
            I82599.fdirctrl,
            .init().setting(.memory, 1).setting(.perfectMatch).setting(.reportStatus).setting(.dropQueue, 127)
                .setting(.flexOffset, 6).setting(.maximumLength, 0xA).setting(.fullThreshold, 4))
        try poll(.milliseconds(10), step: .microseconds(100), wait: wait, orElse: .flowDirectorSilent) {
            registers.read(I82599.fdirctrl)[.initDone]
        }
    }

    /// Steers `rule`'s flow to its queue. The same flow under the same name again moves it.
    ///
    /// - Parameter identifier: the caller's name for the rule, to move or remove it by; below 2046, the size of the table.
    public func add(_ rule: FlowRule, identifier: UInt32, wait: (Interval) -> Void) throws(DriverError) {
        guard rule.queue >= 0, rule.queue <= configuration.splitQueues else {
            throw .noSuchQueue(queue: rule.queue, limit: configuration.splitQueues)
        }
        guard identifier < UInt32(FlowDirector.capacity) else {
            throw .tooManyRules(limit: FlowDirector.capacity)
        }
        write(rule)
        registers.write(
            I82599.fdirhash, .init().setting(.bucket, rule.bucket).setting(.identifier, identifier))
        _ = registers.read(I82599.status)
        registers.write(
            I82599.fdircmd,
            .init().setting(.command, 1).setting(.update).setting(.last).setting(.queueEnable)
                .setting(.flowType, UInt32(rule.transport.rawValue)).setting(.queue, UInt32(rule.queue)))
        try awaitCommand(wait: wait)
    }

    /// Takes a rule back; one that is not there is no error.
    public func remove(_ rule: FlowRule, identifier: UInt32, wait: (Interval) -> Void) throws(DriverError) {
        write(rule)
        let name = I82599.FlowDirectorHash().setting(.bucket, rule.bucket).setting(.identifier, identifier)
        registers.write(I82599.fdirhash, name)
        _ = registers.read(I82599.status)
        let type = UInt32(rule.transport.rawValue)
        registers.write(I82599.fdircmd, .init().setting(.command, 3).setting(.flowType, type))
        try awaitCommand(wait: wait)
        guard registers.read(I82599.fdircmd)[.valid] else { return }
        registers.write(I82599.fdirhash, name)
        _ = registers.read(I82599.status)
        registers.write(I82599.fdircmd, .init().setting(.command, 2).setting(.flowType, type))
        try awaitCommand(wait: wait)
    }

    private func write(_ rule: FlowRule) {
        for i in 0..<3 { registers.write(I82599.fdirsipv6(i), PlainValue(0)) }
        registers.write(I82599.fdiripsa, PlainValue(rule.source))
        registers.write(I82599.fdiripda, PlainValue(rule.destination))
        registers.write(
            I82599.fdirport, PlainValue(UInt32(rule.destinationPort) << 16 | UInt32(rule.sourcePort)))
        registers.write(I82599.fdirvlan, PlainValue(0))
    }

    private func awaitCommand(wait: (Interval) -> Void) throws(DriverError) {
        try poll(.milliseconds(10), step: .microseconds(10), wait: wait, orElse: .flowDirectorSilent) {
            registers.read(I82599.fdircmd)[.command] == 0
        }
    }
}
