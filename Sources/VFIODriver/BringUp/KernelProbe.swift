/// Probes a function that the kernel knows: what stands between it and a process.
public struct KernelProbe<Tree: SystemTree> {
    private let tree: Tree
    private let function: PCIFunction
    private let space: ConfigSpace
    private var findings: [Finding] = []

    /// Looks at `address`, and at the way from there to `peer`.
    ///
    /// - Throws: ``BringUpError`` when one of them is not there or cannot be read.
    public static func report(
        on address: PCIAddress, peer: PCIAddress?, in tree: Tree
    ) throws(BringUpError) -> ProbeReport {
        var probe = KernelProbe(
            tree: tree, function: try PCIFunction.at(address, in: tree), space: try ConfigSpace(of: address, in: tree))
        let second: PCIFunction? = if let peer { try PCIFunction.at(peer, in: tree) } else { nil }
        let bars = PCIBar.all(of: address, probe.space, in: tree)
        let capabilities = DeviceCapabilities(probe.space)
        probe.findings = ProbeReport.deviceFindings(
            probe.space, capabilities, bars, name: address.description)
        probe.lookAtIOMMU()
        probe.lookAtDriver()
        probe.lookAtNode()
        probe.lookAtReset()
        probe.lookAtUse(capabilities)
        probe.lookAtLink()
        let path = PCIPath(of: address, in: tree)
        if let path { probe.lookAtPath(path) }
        var way: PeerPath?
        if let path, let second { way = probe.lookAtPeer(path, second) }
        return ProbeReport(
            device: address.description, findings: probe.findings, capabilities: capabilities, bars: bars, path: path,
            peer: way)
    }

    private mutating func lookAtIOMMU() {
        let state = IOMMUState(tree)
        guard state.isOn else {
            findings.append(.problem("IOMMU", "the kernel runs no IOMMU", state.remedy))
            return
        }
        guard let group = IOMMUGroup(of: function.address, in: tree) else {
            findings.append(
                .problem("IOMMU", "the function is behind no IOMMU, although the kernel runs one", state.remedy))
            return
        }
        findings.append(.ok("IOMMU", "group \(group.number)"))
        let others = group.members.filter { $0.address != function.address }
        let inTheWay = others.filter(\.isInTheWay)
        if inTheWay.isEmpty {
            let text =
                others.isEmpty
                ? "the function is alone in its group"
                : "with \(others.map(\.address.description).joined(separator: ", ")), none in the way"
            findings.append(.ok("group", text))
        } else {
            let names = inTheWay.map { "\($0.address) (\($0.driver ?? "none"))" }.joined(separator: ", ")
            findings.append(
                .problem(
                    "group", "drivers of the kernel hold other members of the group: \(names)",
                    "uiodrv bind \(function.address) --group"))
        }
    }

    private mutating func lookAtDriver() {
        if function.driver == "vfio-pci" { return findings.append(.ok("driver", "vfio-pci")) }
        let load = tree.exists("/sys/bus/pci/drivers/vfio-pci") ? "" : "modprobe vfio-pci && "
        findings.append(
            .problem(
                "driver", function.driver.map { "\($0) of the kernel has the device" } ?? "no driver has the device",
                "\(load)uiodrv bind \(function.address)"))
    }

    private mutating func lookAtNode() {
        guard function.driver == "vfio-pci", let group = function.iommuGroup else { return }
        let node = "/dev/vfio/\(group)"
        // Without a container, a kernel with iommufd gives the device's own node.
        let own = tree.names(in: function.address.sysfs + "/vfio-dev").map { "/dev/vfio/devices/\($0)" }
        if !tree.exists("/dev/vfio/vfio"), tree.isUsable("/dev/iommu"), let device = own.first(where: tree.isUsable) {
            return findings.append(.ok("access", "\(device) can be opened, through iommufd"))
        }
        if !tree.exists(node) {
            findings.append(
                .problem("access", "there is no \(node)", "check that udev or devtmpfs runs, then rebind the device"))
        } else if tree.isUsable(node), tree.isUsable("/dev/vfio/vfio") {
            findings.append(.ok("access", "\(node) can be opened"))
        } else {
            findings.append(
                .problem("access", "\(node) cannot be opened by this user", "run as root, or chown $USER \(node)"))
        }
    }

    private mutating func lookAtReset() {
        // Kernels before 5.15 have `reset` alone.
        let methods = tree.text(function.address.sysfs + "/reset_method") ?? ""
        if !methods.isEmpty {
            findings.append(.ok("reset", "the kernel can reset the function by: \(methods)"))
        } else if tree.exists(function.address.sysfs + "/reset") {
            findings.append(.ok("reset", "the kernel can reset the function"))
        } else {
            findings.append(
                .warning(
                    "reset", "the kernel knows no way to reset the function alone",
                    "give it a slot of its own; after a crash only its own reset register is left"))
        }
    }

    private mutating func lookAtUse(_ capabilities: DeviceCapabilities) {
        let carried = DefaultRoute.interfaces(tree).intersection(function.interfaces)
        if !carried.isEmpty {
            findings.append(
                .warning(
                    "route", "\(carried.sorted().joined(separator: ", ")) carries this machine's default route",
                    "move the route to another interface before binding; bind refuses without --force"))
        }
        if capabilities.enabledVirtualFunctions > 0 {
            findings.append(
                .warning(
                    "virtual functions", "\(capabilities.enabledVirtualFunctions) are enabled and end with the driver",
                    "echo 0 > \(function.address.sysfs)/sriov_numvfs"))
        }
    }

    private mutating func lookAtLink() {
        guard let speed = function.linkSpeedGTs, let width = function.linkWidth else { return }
        let text = "\(speed) GT/s x\(width)"
        guard let most = function.maxLinkSpeedGTs, let lanes = function.maxLinkWidth else {
            return findings.append(.ok("PCI Express link", text))
        }
        if speed < most || width < lanes {
            findings.append(
                .warning("PCI Express link", "\(text), less than its \(most) GT/s x\(lanes)", "try another slot"))
        } else {
            findings.append(.ok("PCI Express link", text))
        }
    }

    private mutating func lookAtPath(_ path: PCIPath) {
        for port in path.ports {
            let access =
                switch port.hasAccessControl {
                case .some(true): port.redirectsPeers ? "ACS on, peers redirected" : "ACS there, peers not redirected"
                case .some(false): "no ACS"
                case .none: "ACS not readable without privilege"
                }
            findings.append(.ok("path", "\(port.kind) \(port.address): \(access)"))
        }
        if let node = function.numaNode { findings.append(.ok("NUMA", "node \(node)")) }
    }

    private mutating func lookAtPeer(_ path: PCIPath, _ peer: PCIFunction) -> PeerPath? {
        guard peer.address != path.address else {
            findings.append(
                .problem("peer", "\(peer.address) is the device itself", "name another device with --peer"))
            return nil
        }
        guard let other = PCIPath(of: peer.address, in: tree) else { return nil }
        let way = PeerPath(from: path, to: other)
        let name = way.kind.rawValue.split(separator: "_").joined(separator: " ")
        let text = "\(peer.address), \(name): \(way.meaning)"
        switch way.kind {
        case .sameDevice, .sameSwitch, .sameRootPort: findings.append(.ok("peer", text))
        case .sameRootComplex:
            findings.append(
                .warning("peer", text, "put both cards below one switch, or test with a digest of the payload"))
        case .differentRootComplexes:
            findings.append(.warning("peer", text, "put both cards below one host bridge, best below one switch"))
        }
        let memory = (try? ConfigSpace(of: peer.address, in: tree)).map {
            PCIBar.all(of: peer.address, $0, in: tree).filter { $0.isMappable && $0.address != 0 }
        }
        guard let largest = memory?.max(by: { ($0.sizeBytes ?? 0) < ($1.sizeBytes ?? 0) }) else {
            findings.append(
                .problem(
                    "peer memory", "\(peer.address) has no BAR that can be mapped",
                    "choose a device with memory of its own"))
            return way
        }
        if peer.driver == "vfio-pci" {
            findings.append(.ok("peer memory", "bar:\(peer.address):\(largest.index), \(largest)"))
        } else {
            findings.append(
                .problem(
                    "peer memory",
                    "BAR \(largest.index) of \(peer.address), \(largest), belongs to \(peer.driver ?? "no driver")",
                    "uiodrv bind \(peer.address)"))
        }
        return way
    }
}
