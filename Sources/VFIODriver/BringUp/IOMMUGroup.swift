/// The functions that an IOMMU cannot tell apart, and so are given to a process together or not at all.
struct IOMMUGroup {
    struct Member {
        let address: PCIAddress
        let driver: String?
        /// Base class 15:8, sub-class 7:0.
        let classCode: UInt16

        init(_ address: PCIAddress, in tree: some SystemTree) {
            self.address = address
            driver = tree.linkName(address.sysfs + "/driver")
            classCode = UInt16(truncatingIfNeeded: (tree.number(address.sysfs + "/class") ?? 0) >> 8)
        }

        var isBridge: Bool { classCode >> 8 == 0x06 }
        var isStorage: Bool { classCode >> 8 == 0x01 }

        /// Whether VFIO refuses the group because of this member: any driver but those that do no DMA of their own.
        var isInTheWay: Bool {
            guard let driver else { return false }
            return !["vfio-pci", "pci-stub", "pcieport"].contains(driver)
        }
    }

    let number: Int
    /// All of them, in order.
    let members: [Member]

    /// The group of the function at `address`; `nil` without an IOMMU.
    init?(of address: PCIAddress, in tree: some SystemTree) {
        guard let number = tree.linkName(address.sysfs + "/iommu_group").flatMap({ Int($0) }) else { return nil }
        self.number = number
        members = tree.names(in: address.sysfs + "/iommu_group/devices").compactMap { PCIAddress($0) }.sorted()
            .map { Member($0, in: tree) }
    }
}
