public import DeviceMemory
internal import NICRegisters

extension DeviceCapabilities {
    /// Finds out what registers tell and configuration space does not: how many queues there are, and whether splitting, RSS
    /// and checksum verdicts can be switched on.
    ///
    /// A part that is missing does not keep what is written to it. For a device that nothing drives: every register and the
    /// command are put back, and queue 0, which a reset may have started, is not written to.
    public mutating func examineRegisters(of device: some PCIDevice) {
        guard let family, let facts, let registers = device.bar(0) else { return }
        let command = device.readConfig32(PCIConfig.command) & 0xFFFF
        device.writeConfig32(PCIConfig.command, command | PCIConfig.commandMemory)
        defer { device.writeConfig32(PCIConfig.command, command) }
        let examined = Examination(registers: registers)
        let found: Found
        switch family {
        case .igb: found = examined.i82576(facts.receiveQueues)
        case .e1000e: found = examined.i82574(facts.receiveQueues)
        case .ixgbe: found = examined.i82599(facts.receiveQueues)
        }
        receiveQueues = found.queues
        if !found.splits {
            missing.append(
                Missing(
                    name: "header split", consequence: "payload cannot be kept apart from headers", isEssential: true))
        }
        if found.queues < 2 {
            missing.append(
                Missing(
                    name: "a second receive queue", consequence: "no queue is left for a device region",
                    isEssential: true))
        } else if found.queues < facts.receiveQueues {
            missing.append(
                Missing(
                    name: "receive queues \(found.queues) to \(facts.receiveQueues - 1)",
                    consequence: "at most \(found.queues - 1) queues can split", isEssential: false))
        }
        if !found.hashes {
            missing.append(
                Missing(
                    name: "receive-side scaling", consequence: "flows cannot be sent to split queues", isEssential: true
                ))
        }
        if !found.verifies {
            missing.append(
                Missing(
                    name: "receive checksum offload",
                    consequence: "payload in a device region would be taken unverified, and so is dropped",
                    isEssential: true))
        }
    }

    private struct Found {
        let queues: Int
        let splits: Bool
        let hashes: Bool
        let verifies: Bool
    }

    private struct Examination<Registers: Bus> {
        let registers: Registers

        /// Whether a register keeps `mask` as it is written; afterwards it holds what it held.
        private func keeps<V>(_ register: Register<V>, _ mask: V) -> Bool {
            let before = registers.read(register)
            registers.write(register, V(rawValue: before.rawValue | mask.rawValue))
            let after = registers.read(register).rawValue
            registers.write(register, before)
            return after != .max && after & mask.rawValue == mask.rawValue
        }

        func i82576(_ queues: Int) -> Found {
            // RDBAH keeps any value while its queue is off.
            let others = (1..<queues).prefix { keeps(I82576.rdbah($0), PlainValue(0x5A5A)) }.count
            return Found(
                queues: 1 + others,
                // Without a second queue there is nothing to ask.
                splits: others == 0 || keeps(I82576.srrctl(1), .init().setting(.descriptorType, 5)),
                hashes: keeps(I82576.mrqc, .init().setting(.mode, 2)),
                verifies: keeps(I82576.rxcsum, .init().setting(.ipOffload).setting(.transportOffload)))
        }

        func i82599(_ queues: Int) -> Found {
            let others = (1..<queues).prefix { keeps(I82599.rdbah($0), PlainValue(0x5A5A)) }.count
            return Found(
                queues: 1 + others,
                splits: others == 0 || keeps(I82599.srrctl(1), .init().setting(.descriptorType, 5)),
                hashes: keeps(I82599.mrqc, .init().setting(.mode, 1)),
                // No register turns verdicts on or off: they are always there.
                verifies: true)
        }

        func i82574(_ queues: Int) -> Found {
            let others = (1..<queues).prefix { keeps(I82574.rdbah($0), PlainValue(0x5A5A)) }.count
            return Found(
                queues: 1 + others, splits: keeps(I82574.rctl, .init().setting(.descriptorType, 1)),
                hashes: keeps(I82574.mrqc, .init().setting(.mode, 1)),
                verifies: keeps(I82574.rxcsum, .init().setting(.ipOffload).setting(.transportOffload)))
        }
    }
}
