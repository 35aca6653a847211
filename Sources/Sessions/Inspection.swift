internal import SoftNIC
public import VFIODriver

/// A device looked at without a driver: a function of this machine by its address, or a model by its name.
public enum Inspection {
    /// What a device's configuration space says.
    public struct Snapshot: Sendable {
        /// The space.
        public let space: ConfigSpace
        /// Its base address registers with their sizes.
        public let bars: [PCIBar]
    }

    /// Reads the configuration space of the device called `name`.
    public static func snapshot(of name: String, in tree: some SystemTree) throws(SessionError) -> Snapshot {
        guard let address = PCIAddress(name) else {
            let device = try model(name)
            return Snapshot(space: ConfigSpace(reading: device), bars: PCIBar.sizing(device))
        }
        do {
            let space = try ConfigSpace(of: address, in: tree)
            return Snapshot(space: space, bars: PCIBar.all(of: address, space, in: tree))
        } catch {
            throw SessionError(error)
        }
    }

    /// Says whether the device called `name` can be used, and how far it is from the function at `peer`.
    public static func probe(
        _ name: String, peer: String?, in tree: some SystemTree
    ) throws(SessionError) -> ProbeReport {
        guard let address = PCIAddress(name) else {
            let device = try model(name)
            guard peer == nil else {
                throw SessionError("\(name) has no place in this machine; name a PCI address to measure a way from")
            }
            return ProbeReport(name: name, device)
        }
        do {
            let second: PCIAddress? = if let peer { try PCIAddress(parsing: peer) } else { nil }
            return try KernelProbe.report(on: address, peer: second, in: tree)
        } catch {
            throw SessionError(error)
        }
    }

    private static func model(_ name: String) throws(SessionError) -> SoftPCIDevice {
        var options = DeviceOptions()
        options.name = try DeviceName(inspecting: name)
        return SoftPCIDevice(SoftNIC(configuration: options.model))
    }
}

extension DeviceName {
    /// Reads the name of a model; a text that looks like an address was meant as one.
    fileprivate init(inspecting text: String) throws(SessionError) {
        if text.contains("."), !text.hasPrefix("softnic") { throw SessionError(BringUpError.badAddress(text)) }
        try self.init(parsing: text)
    }
}
