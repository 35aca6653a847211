/// A PCI function as the kernel shows it.
public struct PCIFunction: Sendable, Encodable {
    /// Where it sits.
    public let address: PCIAddress
    /// Vendor id.
    public let vendor: PCIID
    /// Device id.
    public let device: PCIID
    /// Vendor's name; `nil` where pci.ids has none.
    public let vendorName: String?
    /// Device's name; `nil` where pci.ids has none.
    public let deviceName: String?
    /// Base class 15:8, sub-class 7:0: 0x0200 is an Ethernet controller, 0x0604 a bridge.
    public let classCode: PCIID
    /// Name of the class; `nil` where pci.ids has none.
    public let className: String?
    /// Revision id.
    public let revision: UInt8
    /// Driver of the kernel that has it.
    public let driver: String?
    /// IOMMU group; `nil` without an IOMMU.
    public let iommuGroup: Int?
    /// Every function of that group, this one included: they are given away together.
    public let groupMembers: [PCIAddress]
    /// NUMA node; `nil` when the platform names none.
    public let numaNode: Int?
    /// Network interfaces that it carries.
    public let interfaces: [String]
    /// Link speed in GT/s per lane.
    public let linkSpeedGTs: Double?
    /// Speed that it could have.
    public let maxLinkSpeedGTs: Double?
    /// Lanes in use.
    public let linkWidth: Int?
    /// Lanes that it has.
    public let maxLinkWidth: Int?

    private enum CodingKeys: String, CodingKey {
        case address, vendor, device, vendorName, deviceName, classCode, className, revision, driver, iommuGroup
        case groupMembers, numaNode, interfaces, linkWidth, maxLinkWidth
        case linkSpeedGTs = "linkSpeedGtS"
        case maxLinkSpeedGTs = "maxLinkSpeedGtS"
    }

    /// Whether its base class is network controller.
    public var isNetworkController: Bool { classCode.rawValue >> 8 == 0x02 }
    /// Whether it is a bridge between buses, which a group may hold beside its functions.
    var isBridge: Bool { classCode.rawValue >> 8 == 0x06 }

    /// Lists the PCI functions of a machine in order of their addresses; empty when it has no PCI bus.
    ///
    /// - Parameter named: look names up, for which a list of some 40000 is read.
    public static func all(in tree: some SystemTree, named: Bool = true) -> [PCIFunction] {
        guard let catalog = PCICatalog(tree) else { return [] }
        let interfaces = interfacesByFunction(tree)
        return catalog.entries.map { PCIFunction($0, catalog, interfaces[$0.address] ?? [], tree, named: named) }
    }

    /// The function at `address`, without names.
    ///
    /// - Throws: ``BringUpError/noSuchFunction(_:)``.
    public static func at(_ address: PCIAddress, in tree: some SystemTree) throws(BringUpError) -> PCIFunction {
        let catalog = PCICatalog(tree)
        guard let catalog, let entry = catalog.entries.first(where: { $0.address == address }) else {
            throw .noSuchFunction(address)
        }
        return PCIFunction(entry, catalog, interfaces(of: address, in: tree), tree, named: false)
    }

    private init(
        _ entry: PCICatalog.Entry, _ catalog: borrowing PCICatalog, _ interfaces: [String], _ tree: some SystemTree,
        named: Bool
    ) {
        let directory = entry.address.sysfs
        address = entry.address
        vendor = PCIID(entry.vendor)
        device = PCIID(entry.device)
        vendorName = !named ? nil : catalog.vendorName(entry.vendor)
        deviceName = !named ? nil : catalog.deviceName(entry.vendor, entry.device)
        classCode = PCIID(entry.classCode)
        className = !named ? nil : catalog.className(entry.classCode)
        revision = entry.revision
        driver = tree.linkName(directory + "/driver")
        iommuGroup = tree.linkName(directory + "/iommu_group").flatMap { Int($0) }
        groupMembers = tree.names(in: directory + "/iommu_group/devices").compactMap { PCIAddress($0) }.sorted()
        numaNode = tree.number(directory + "/numa_node").flatMap { $0 >= 0 ? $0 : nil }
        self.interfaces = interfaces
        linkSpeedGTs = Self.speed(tree.text(directory + "/current_link_speed"))
        maxLinkSpeedGTs = Self.speed(tree.text(directory + "/max_link_speed"))
        // 0 and 255 stand for no link.
        linkWidth = tree.number(directory + "/current_link_width").flatMap { (1...32).contains($0) ? $0 : nil }
        maxLinkWidth = tree.number(directory + "/max_link_width").flatMap { (1...32).contains($0) ? $0 : nil }
    }

    /// "8.0 GT/s PCIe", or "Unknown".
    private static func speed(_ text: String?) -> Double? {
        text?.split(separator: " ").first.flatMap { Double($0) }.flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
    }

    /// The network interfaces of the function at `address`.
    static func interfaces(of address: PCIAddress, in tree: some SystemTree) -> [String] {
        interfacesByFunction(tree)[address] ?? []
    }

    /// Which function each network interface hangs on: the last PCI address in its canonical path, because a virtio or
    /// multi-port device has levels of its own in between.
    private static func interfacesByFunction(_ tree: some SystemTree) -> [PCIAddress: [String]] {
        var result: [PCIAddress: [String]] = [:]
        for name in tree.names(in: "/sys/class/net") {
            guard let path = tree.resolved("/sys/class/net/" + name),
                let address = path.split(separator: "/").reversed().lazy.compactMap({ PCIAddress(String($0)) }).first
            else { continue }
            result[address, default: []].append(name)
        }
        return result
    }
}

extension PCIAddress {
    /// The function's directory in sysfs.
    var sysfs: String { "/sys/bus/pci/devices/\(self)" }
}
