internal import DeviceMemory
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
        guard let address = PCIAddress(name) else { return try model(name, SnapshotMaker()) }
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
            let report = try model(name, Prober(name: name))
            guard peer == nil else {
                throw SessionError("\(name) has no place in this machine; name a PCI address to measure a way from")
            }
            return report
        }
        do {
            let second: PCIAddress? = if let peer { try PCIAddress(parsing: peer) } else { nil }
            return try KernelProbe.report(on: address, peer: second, in: tree)
        } catch {
            throw SessionError(error)
        }
    }

    /// Shows the model called `name` to `viewer`; it lives for the time of that.
    private static func model<Viewer: DeviceViewer>(
        _ name: String, _ viewer: Viewer
    ) throws(SessionError) -> Viewer.Result {
        var options = DeviceOptions()
        options.name = try DeviceName(parsing: name)
        switch options.name {
        case .pci(let address): throw SessionError("\(address) is no model; name softnic:igb or qemu:igb")
        case .softnic: return viewer.view(SoftPCIDevice(SoftNIC(configuration: options.model)))
        case .qemu(let family):
            do {
                let region = try DeviceRegion(
                    size: options.regionBytes, slotSize: options.slotSize, visibility: .flushRead)
                return viewer.view(try SessionPlan.device(SessionPlan.machine(family, region), region))
            } catch {
                throw SessionError(error)
            }
        }
    }
}

/// Somebody who looks at a device of any kind.
private protocol DeviceViewer {
    associatedtype Result
    func view(_ device: some PCIDevice) -> Result
}

private struct SnapshotMaker: DeviceViewer {
    func view(_ device: some PCIDevice) -> Inspection.Snapshot {
        Inspection.Snapshot(space: ConfigSpace(reading: device), bars: PCIBar.sizing(device))
    }
}

private struct Prober: DeviceViewer {
    let name: String
    func view(_ device: some PCIDevice) -> ProbeReport { ProbeReport(name: name, device) }
}
