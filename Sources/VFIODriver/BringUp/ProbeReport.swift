public import DeviceMemory

/// Whether a device can be used, and what it can do: what `uiodrv probe` prints.
public struct ProbeReport: Encodable, Sendable {
    /// The device as it was named.
    public let device: String
    /// No finding is a problem.
    public let usable: Bool
    /// What was looked at, in order.
    public let findings: [Finding]
    /// What it can do.
    public let capabilities: DeviceCapabilities
    /// Its windows.
    public let bars: [PCIBar]
    /// The way to its host bridge; `nil` for a model.
    public let path: PCIPath?
    /// The way to the second device, where one was named.
    public let peer: PeerPath?

    init(
        device: String, findings: [Finding], capabilities: DeviceCapabilities, bars: [PCIBar], path: PCIPath? = nil,
        peer: PeerPath? = nil
    ) {
        self.device = device
        usable = !findings.contains { $0.state == .problem }
        self.findings = findings
        self.capabilities = capabilities
        self.bars = bars
        self.path = path
        self.peer = peer
    }

    /// Probes a device that no kernel stands in front of: a model, or QEMU's. What the configuration space of a running
    /// device holds is put back.
    public init(name: String, _ device: some PCIDevice) {
        let bars = PCIBar.sizing(device)
        let space = ConfigSpace(reading: device)
        var capabilities = DeviceCapabilities(space)
        capabilities.examineRegisters(of: device)
        self.init(
            device: name, findings: Self.deviceFindings(space, capabilities, bars, name: name),
            capabilities: capabilities, bars: bars)
    }

    /// What can be said from the function alone.
    static func deviceFindings(
        _ space: ConfigSpace, _ capabilities: DeviceCapabilities, _ bars: [PCIBar], name: String
    ) -> [Finding] {
        var findings = [family(space, capabilities)]
        if space.bytes.count <= 64 {
            findings.append(
                .warning(
                    "configuration", "only the header can be read without privilege", "run as root for the capabilities"
                ))
        }
        if let fault = space.capabilityFault {
            findings.append(
                .warning("configuration", fault, "update the adapter's firmware; uiodrv config \(name) shows the list"))
        }
        findings += capabilities.missing.map { part in
            let text = "\(part.name) is missing: \(part.consequence)"
            return part.isEssential
                ? .problem("capability", text, "use another device or preset")
                : .warning("capability", text, "see uiodrv config \(name)")
        }
        if let facts = capabilities.facts { findings.append(registers(facts, bars)) }
        if let facts = capabilities.facts, capabilities.msixVectors > 0 {
            findings.append(
                .ok(
                    "interrupts",
                    "\(capabilities.msixVectors) MSI-X vectors of the \(facts.msixVectors) that the controller has"))
        }
        switch capabilities.relaxedOrdering {
        // DCA_RXCTRL of the 82576 and its like: the queues decide whether the permission is used.
        case true?:
            findings.append(
                .ok(
                    "ordering",
                    "relaxed ordering is allowed, and the driver leaves it unused: no completion overtakes payload"))
        case false?: findings.append(.ok("ordering", "relaxed ordering is off"))
        case nil: break
        }
        if let payload = capabilities.maxPayloadBytes, let request = capabilities.maxReadRequestBytes {
            findings.append(.ok("packets", "payload up to \(payload) bytes, reads up to \(request) bytes"))
        }
        return findings
    }

    private static func family(_ space: ConfigSpace, _ capabilities: DeviceCapabilities) -> Finding {
        let ids = "\(hex(space.vendor, 4)):\(hex(space.device, 4))"
        guard space.isPresent else {
            return .problem(
                "family", "the function does not answer (its ids read \(ids))",
                "check its slot and power, then echo 1 > /sys/bus/pci/rescan")
        }
        guard let family = capabilities.family, let facts = capabilities.facts else {
            if let relative = NICFamily.relative(vendor: space.vendor, device: space.device) {
                return .problem(
                    "family",
                    "\(ids) is a relative of the \(relative.facts.controller) whose port this driver does not set up",
                    "use a port with id \(hex(relative.deviceIDs[0], 4))")
            }
            return .problem(
                "family", "\(ids) is of no family that is known here",
                "use an Intel 82574, 82576 or 82599, or try uiodrv with --device softnic:igb")
        }
        return .ok("family", "\(ids) is an \(facts.controller), driven by \(family.rawValue)")
    }

    private static func registers(_ facts: NICFacts, _ bars: [PCIBar]) -> Finding {
        guard let bar = bars.first(where: { $0.index == 0 }), bar.kind == .memory else {
            return .problem(
                "registers", "BAR 0 is no memory window, so the registers cannot be reached",
                "check that the firmware assigned the device its memory, then echo 1 > /sys/bus/pci/rescan")
        }
        guard let size = bar.sizeBytes, size >= facts.registerBytes else {
            return .problem(
                "registers",
                "BAR 0 is \(bar), and the registers take \(PCIBar.size(facts.registerBytes))",
                "check that the firmware assigned the device its memory, then echo 1 > /sys/bus/pci/rescan")
        }
        return .ok("registers", "BAR 0: \(bar)")
    }
}
