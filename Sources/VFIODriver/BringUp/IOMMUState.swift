/// Whether the kernel runs an IOMMU, and what turns one on.
struct IOMMUState {
    /// IOMMU groups of the machine.
    let groups: Int
    /// What turns it on, by kind of machine.
    let remedy: String
    /// The words of the kernel's command line that concern it.
    let bootWords: [String]

    var isOn: Bool { groups > 0 }

    init(_ tree: some SystemTree) {
        groups = tree.names(in: "/sys/kernel/iommu_groups").count
        bootWords = (tree.text("/proc/cmdline") ?? "").split(separator: " ").map(String.init).filter { word in
            let key = word.prefix { $0 != "=" }
            return key.contains("iommu") || key == "efi"
        }
        // The first processor stands for all; a few hundred processors fill more than the limit.
        let processor = (tree.bytes("/proc/cpuinfo", limit: 1 << 14)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let isVirtual = processor.split(separator: "\n").contains {
            $0.hasPrefix("flags") && $0.split(separator: " ").contains("hypervisor")
        }
        remedy =
            if isVirtual {
                "give this virtual machine an IOMMU (QEMU: -device intel-iommu,intremap=on) and boot its kernel with intel_iommu=on"
            } else if processor.contains("GenuineIntel") {
                "enable VT-d in the firmware and boot with intel_iommu=on (in /etc/default/grub, then update-grub)"
            } else if processor.contains("AuthenticAMD") {
                "enable the IOMMU (AMD-Vi) in the firmware, and boot without amd_iommu=off"
            } else {
                "enable the IOMMU or SMMU in the firmware, and boot without iommu=off"
            }
    }
}
