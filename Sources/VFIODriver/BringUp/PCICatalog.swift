internal import CPCI

/// The machine's PCI functions as libpci lists them, and the names of the local pci.ids.
@safe struct PCICatalog: ~Copyable {
    struct Entry {
        let address: PCIAddress
        let vendor: UInt16
        let device: UInt16
        /// Base class 15:8, sub-class 7:0.
        let classCode: UInt16
        let revision: UInt8
        let subsystemVendor: UInt16
        let subsystem: UInt16
    }

    private let access: UnsafeMutablePointer<pci_access>
    /// In order of their addresses.
    let entries: [Entry]

    /// Lists the functions of `tree`; `nil` when it has no PCI bus at all.
    init?(_ tree: some SystemTree) {
        // libpci treats a missing directory as fatal.
        guard tree.exists("/sys/bus/pci/devices"),
            let access = unsafe (tree.root + "/sys/bus/pci").withCString({ unsafe shim_pci_scan($0) })
        else { return nil }
        var entries: [Entry] = []
        var next = unsafe access.pointee.devices
        while let device = unsafe next {
            unsafe next = device.pointee.next
            guard unsafe shim_pci_identify(device) else { continue }
            let function = unsafe device.pointee
            entries.append(
                Entry(
                    address: PCIAddress(
                        domain: unsafe UInt32(truncatingIfNeeded: function.domain), bus: unsafe function.bus,
                        device: unsafe function.dev, function: unsafe function.func),
                    vendor: unsafe function.vendor_id, device: unsafe function.device_id,
                    classCode: unsafe function.device_class, revision: unsafe function.rev_id,
                    subsystemVendor: unsafe function.subsys_vendor_id, subsystem: unsafe function.subsys_id))
        }
        unsafe self.access = access
        self.entries = entries.sorted { $0.address < $1.address }
    }

    deinit { unsafe pci_cleanup(access) }

    func vendorName(_ vendor: UInt16) -> String? {
        unsafe name { buffer, size in unsafe shim_pci_vendor_name(access, buffer, size, Int32(vendor)) }
    }

    func deviceName(_ vendor: UInt16, _ device: UInt16) -> String? {
        unsafe name { buffer, size in unsafe shim_pci_device_name(access, buffer, size, Int32(vendor), Int32(device)) }
    }

    func className(_ classCode: UInt16) -> String? {
        unsafe name { buffer, size in unsafe shim_pci_class_name(access, buffer, size, Int32(classCode)) }
    }

    private func name(_ find: (UnsafeMutablePointer<CChar>, Int32) -> UnsafePointer<CChar>?) -> String? {
        var buffer = [CChar](repeating: 0, count: 256)
        return unsafe buffer.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress, let text = unsafe find(start, Int32(buffer.count)) else { return nil }
            return unsafe String(cString: text)
        }
    }
}
