/// Whether this machine can give real devices to a process, and what mends what is missing: what `uiodrv doctor` prints.
///
/// Devices of the machine need the kernel's VFIO and an IOMMU: their absence is a problem. Everything else costs speed, or
/// concerns devices that are models: its absence is a warning.
public struct Doctor<Tree: SystemTree> {
    private let tree: Tree
    private var findings: [Finding] = []

    /// What a person, and a script, want to know.
    public struct Report: Encodable, Sendable {
        /// Whether devices of this machine can be used: no finding is a problem.
        public let realDevicesUsable: Bool
        /// What was looked at, in order.
        public let findings: [Finding]
    }

    /// Looks at a machine.
    ///
    /// - Parameter qemu: what was found about QEMU, which is a program and not part of the machine.
    public static func examine(_ tree: Tree, qemu: Finding) -> Report {
        var doctor = Doctor(tree: tree)
        doctor.lookAtKernel()
        doctor.lookAtIOMMU()
        doctor.lookAtModules()
        doctor.lookAtNodes()
        doctor.lookAtDevices()
        doctor.lookAtLockedMemory()
        doctor.lookAtHugePages()
        doctor.lookAtNodesOfMemory()
        doctor.lookAtTAP()
        doctor.findings.append(qemu)
        return Report(
            realDevicesUsable: !doctor.findings.contains { $0.state == .problem }, findings: doctor.findings)
    }

    // MARK: kernel and IOMMU

    /// Oldest kernel with memfd seals, sysfs driver_override and type1v2 as they are used here, and the ones of which more
    /// is known: 6.2 brought iommufd, 7.2 dma-buf export from VFIO devices.
    private mutating func lookAtKernel() {
        let release = tree.text("/proc/sys/kernel/osrelease") ?? ""
        let numbers = release.split(whereSeparator: { $0 == "." || $0 == "-" }).prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else {
            findings.append(.warning("kernel", "its version cannot be read", "check that /proc is mounted"))
            return
        }
        let version = (numbers[0], numbers[1])
        if version < (5, 10) {
            findings.append(.warning("kernel", "\(release) is older than what was tried", "use a kernel from 5.10 on"))
        } else {
            let more =
                version < (6, 2)
                ? "" : version < (7, 2) ? ", may have iommufd" : ", may have iommufd and dma-buf export"
            findings.append(.ok("kernel", release + more))
        }
    }

    private mutating func lookAtIOMMU() {
        let state = IOMMUState(tree)
        let words = state.bootWords.isEmpty ? "" : " (booted with \(state.bootWords.joined(separator: " ")))"
        findings.append(
            state.isOn
                ? .ok("IOMMU", "\(state.groups) groups\(words)") : .problem("IOMMU", "off\(words)", state.remedy))
        // Without an IOMMU the kernel can be told to give devices away all the same.
        if tree.text("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y" {
            findings.append(
                .warning(
                    "VFIO without IOMMU", "enabled: a device given away could overwrite any memory",
                    "echo N > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode"))
        }
    }

    // MARK: VFIO

    private mutating func lookAtModules() {
        if tree.exists("/sys/bus/pci/drivers/vfio-pci") {
            findings.append(.ok("vfio-pci", "loaded"))
        } else if isInstalled("vfio-pci") {
            findings.append(.problem("vfio-pci", "not loaded", "modprobe vfio-pci"))
        } else {
            findings.append(
                .problem(
                    "vfio-pci", "this kernel has no such driver",
                    "boot a kernel with CONFIG_VFIO_PCI (Debian: apt-get install linux-image-amd64)"))
        }
        if tree.exists("/sys/module/vfio_iommu_type1") {
            findings.append(.ok("vfio_iommu_type1", "loaded"))
        } else if isInstalled("vfio_iommu_type1") {
            findings.append(
                .warning("vfio_iommu_type1", "not loaded; opening /dev/vfio/vfio loads it", "modprobe vfio_iommu_type1")
            )
        } else {
            findings.append(
                .warning(
                    "vfio_iommu_type1", "this kernel has no such module, which leaves iommufd alone",
                    "boot a kernel with CONFIG_VFIO_IOMMU_TYPE1"))
        }
    }

    /// Whether the running kernel has a module on disk; names are compared with _ for -.
    private func isInstalled(_ module: String) -> Bool {
        guard let release = tree.text("/proc/sys/kernel/osrelease") else { return false }
        let file = module.split(separator: "-").joined(separator: "_") + ".ko"
        for list in ["modules.dep", "modules.builtin"] {
            // A line begins with the module's path: kernel/drivers/vfio/pci/vfio-pci.ko.xz: ...
            for line in tree.lines("/lib/modules/\(release)/\(list)") {
                let name = line.prefix { $0 != ":" }.split(separator: "/").last ?? ""
                if name.split(separator: "-").joined(separator: "_").hasPrefix(file) { return true }
            }
        }
        return false
    }

    private mutating func lookAtNodes() {
        let container = "/dev/vfio/vfio"
        if !tree.exists(container) {
            findings.append(
                .problem(container, "not there", "modprobe vfio-pci; check that devtmpfs is mounted on /dev"))
        } else if tree.isUsable(container) {
            findings.append(.ok(container, "can be opened"))
        } else {
            findings.append(.problem(container, "cannot be opened by this user", "chmod 666 /dev/vfio/vfio"))
        }
        if tree.exists("/dev/iommu") {
            findings.append(
                tree.isUsable("/dev/iommu")
                    ? .ok("/dev/iommu", "can be opened")
                    : .warning("/dev/iommu", "cannot be opened by this user", "run as root, or chown $USER /dev/iommu"))
        } else {
            findings.append(
                .ok("/dev/iommu", "not there: the container of /dev/vfio/vfio does, but for payload in a dma-buf"))
        }
    }

    private mutating func lookAtDevices() {
        let known = PCIFunction.all(in: tree, named: false).filter {
            NICFamily(vendor: $0.vendor.rawValue, device: $0.device.rawValue) != nil
        }
        let bound = known.filter { $0.driver == "vfio-pci" }
        if !bound.isEmpty {
            findings.append(.ok("devices", bound.map { "\($0.address)" }.joined(separator: ", ") + " at vfio-pci"))
        } else if let first = known.first {
            findings.append(
                .warning(
                    "devices", "\(known.map { "\($0.address)" }.joined(separator: ", ")), none at vfio-pci",
                    "uiodrv bind \(first.address)"))
        } else {
            findings.append(
                .warning(
                    "devices", "no network controller that this program drives",
                    "plug in an Intel 82574, 82576 or 82599, or use --device softnic:igb; uiodrv list shows what is there"
                ))
        }
    }

    // MARK: memory

    /// What rings and a region of ordinary size take.
    private static var lockedBytes: UInt64 { 64 << 20 }

    private mutating func lookAtLockedMemory() {
        let line = tree.lines("/proc/self/limits").first { $0.hasPrefix("Max locked memory") }
        let fields = line?.split(separator: " ") ?? []
        guard fields.count >= 5 else {
            findings.append(.warning("locked memory", "the limit cannot be read", "check that /proc is mounted"))
            return
        }
        let soft = fields[3]
        let kernelCapabilities = tree.lines("/proc/self/status").first { $0.hasPrefix("CapEff:") }
        let effective = kernelCapabilities?.split(whereSeparator: { $0 == "\t" || $0 == " " }).last
        // CAP_IPC_LOCK, bit 14: the limit does not hold for this process.
        let isExempt = effective.flatMap { UInt64($0, radix: 16) }.map { $0 & 1 << 14 != 0 } ?? false
        if soft == "unlimited" || isExempt {
            findings.append(.ok("locked memory", soft == "unlimited" ? "no limit" : "no limit for this user"))
        } else if let bytes = UInt64(soft), bytes >= Self.lockedBytes {
            findings.append(.ok("locked memory", "up to \(PCIBar.size(bytes))"))
        } else {
            findings.append(
                .warning(
                    "locked memory",
                    "up to \(UInt64(soft).map { PCIBar.size($0) } ?? String(soft)), and VFIO locks what a device reaches: rings and region",
                    "ulimit -l unlimited, or LimitMEMLOCK=infinity in the systemd unit"))
        }
    }

    private mutating func lookAtHugePages() {
        let directory = "/sys/kernel/mm/hugepages/hugepages-2048kB"
        guard let total = tree.number(directory + "/nr_hugepages") else {
            findings.append(
                .warning("huge pages", "this kernel has none of 2 MiB", "boot a kernel with CONFIG_HUGETLBFS"))
            return
        }
        let free = tree.number(directory + "/free_hugepages") ?? 0
        if free > 0 {
            findings.append(.ok("huge pages", "\(free) of \(total) pages of 2 MiB are free"))
        } else {
            findings.append(
                .warning(
                    "huge pages",
                    "\(total == 0 ? "none reserved" : "all \(total) in use"): rings take small pages, which costs address translations",
                    "echo \(total + 64) > \(directory)/nr_hugepages"))
        }
    }

    private mutating func lookAtNodesOfMemory() {
        let nodes = tree.names(in: "/sys/devices/system/node").filter {
            $0.hasPrefix("node") && Int($0.dropFirst(4)) != nil
        }
        findings.append(
            nodes.count > 1
                ? .ok("NUMA", "\(nodes.count) nodes: uiodrv list tells a device's, and --node takes memory there")
                : .ok("NUMA", "one node"))
    }

    // MARK: models and their wires

    private mutating func lookAtTAP() {
        if !tree.exists("/dev/net/tun") {
            findings.append(.warning("TAP", "there is no /dev/net/tun", "modprobe tun"))
        } else if tree.isUsable("/dev/net/tun") {
            findings.append(.ok("TAP", "/dev/net/tun can be opened"))
        } else {
            findings.append(.warning("TAP", "/dev/net/tun cannot be opened by this user", "chmod 666 /dev/net/tun"))
        }
    }
}

extension Doctor where Tree == HostTree {
    /// Looks for QEMU, whose models need no hardware: runs it to ask for its version.
    ///
    /// - Parameter searchPath: directories with programs, as in the environment's PATH.
    public static func qemu(searchPath: String) -> Finding {
        do {
            let installation = try QEMUInstallation(searchPath: searchPath)
            return .ok("QEMU", "\(installation.version), \(installation.path)")
        } catch {
            return .warning("QEMU", "qemu:igb and qemu:e1000e cannot be used", error.description)
        }
    }
}
