internal import CShim
internal import Glibc
public import Logging

/// This process's way to the kernel's VFIO: opens devices and lets them share one I/O address space where their groups allow.
///
/// One per process is enough and two are not harmful; devices keep what they need of it alive.
public final class VFIOSystem {
    /// Which of the kernel's two interfaces to use.
    public enum Interface: Sendable {
        /// Containers and groups where the kernel has them, otherwise iommufd.
        case automatic
        /// Containers and groups with the type1v2 IOMMU.
        case container
        /// Devices as character devices of their own, attached to an address space of `/dev/iommu`.
        case iommufd
    }

    let kernel: any KernelInterface
    private let interface: Interface
    private let log: Logger
    private var containers: [Weak<Type1Container>] = []
    private var groups: [String: Weak<VFIOGroup>] = [:]
    private weak var space: IOMMUFDSpace?

    private struct Weak<T: AnyObject> { weak var object: T? }

    /// The running kernel's VFIO; opens nothing yet.
    public convenience init(interface: Interface = .automatic, log: Logger) {
        self.init(kernel: LinuxKernel(), interface: interface, log: log)
    }

    init(kernel: any KernelInterface, interface: Interface = .automatic, log: Logger) {
        self.kernel = kernel
        self.interface = interface
        self.log = log
    }

    /// Opens the function at `address` (`DDDD:BB:DD.F`), which must be bound to vfio-pci.
    ///
    /// - Parameter deviceMask: highest address that the device can emit.
    public func open(_ address: String, deviceMask: UInt64 = .max) throws(DriverError) -> VFIODevice {
        do {
            let device = try opened(address)
            device.space.restrict(to: deviceMask)
            return device
        } catch {
            throw .vfio(error)
        }
    }

    private func opened(_ address: String) throws(VFIOError) -> VFIODevice {
        let directory = "/sys/bus/pci/devices/\(address)"
        guard kernel.exists(directory) else { throw .noSuchDevice(address) }
        guard let group = kernel.linkTarget("\(directory)/iommu_group") else { throw .noIOMMU(address) }
        let driver = kernel.linkTarget("\(directory)/driver")
        guard driver == "vfio-pci" else { throw .notBound(address, driver: driver) }
        if let node = try characterDevice(directory) { return try openCharacterDevice(address, node, group) }
        let member = try join(group)
        var name = KernelBuffer(address)
        let descriptor = member.handle.ioctl(.getDevice, &name)
        guard descriptor >= 0 else {
            throw descriptor == -EBUSY
                ? .busy(path: address, holder: nil)
                : .refused(request: KernelRequest.getDevice.name, what: address, errno: -descriptor)
        }
        let handle = KernelHandle(descriptor, kernel: kernel, within: member.handle)
        return try VFIODevice(address: address, handle: handle, group: member, space: member.container, log: log)
    }

    // MARK: iommufd

    /// The device's own node, when iommufd is wanted and there.
    private func characterDevice(_ directory: String) throws(VFIOError) -> String? {
        switch interface {
        case .container: return nil
        case .automatic: if kernel.exists(Type1Container.path) { return nil }
        case .iommufd: break
        }
        // vfio-dev exists on kernels built with VFIO_DEVICE_CDEV.
        if let name = kernel.entries(of: "\(directory)/vfio-dev").first { return "/dev/vfio/devices/\(name)" }
        if interface == .iommufd { throw .noIOMMUFD(path: "\(directory)/vfio-dev") }
        return nil
    }

    private func openCharacterDevice(
        _ address: String, _ node: String, _ group: String
    ) throws(VFIOError) -> VFIODevice {
        let space: IOMMUFDSpace
        if let shared = self.space { space = shared } else { space = try IOMMUFDSpace(kernel: kernel) }
        let descriptor = kernel.open(node)
        guard descriptor >= 0 else {
            throw VFIOError.opening(node, -descriptor, missing: .noVFIO(path: node), kernel)
        }
        let handle = KernelHandle(descriptor, kernel: kernel, within: space.handle)
        try space.attach(handle, named: node, group: "/dev/vfio/\(group)")
        self.space = space
        return try VFIODevice(address: address, handle: handle, group: nil, space: space, log: log)
    }

    // MARK: groups and containers

    /// The group of a device, opened once for all its members.
    private func join(_ group: String) throws(VFIOError) -> VFIOGroup {
        if let known = groups[group]?.object { return known }
        for container in containers.compactMap(\.object) {
            if let joined = try open(group, in: container) { return joined }
        }
        let container = try Type1Container(kernel: kernel)
        guard let joined = try open(group, in: container) else {
            throw .refused(request: KernelRequest.setContainer.name, what: "group \(group)", errno: EINVAL)
        }
        containers = containers.filter { $0.object != nil } + [Weak(object: container)]
        return joined
    }

    /// Opens a group and adds it to `container`; `nil` when their IOMMUs do not go together.
    private func open(_ group: String, in container: Type1Container) throws(VFIOError) -> VFIOGroup? {
        let path = "/dev/vfio/\(group)"
        let descriptor = kernel.open(path)
        guard descriptor >= 0 else { throw VFIOError.opening(path, -descriptor, missing: .noVFIO(path: path), kernel) }
        let handle = KernelHandle(descriptor, kernel: kernel, within: container.handle)
        try checkStatus(of: handle, group, path)
        guard try container.attach(handle, named: path) else { return nil }
        let joined = VFIOGroup(handle: handle, container: container)
        groups[group] = Weak(object: joined)
        return joined
    }

    private func checkStatus(of group: KernelHandle, _ name: String, _ path: String) throws(VFIOError) {
        var buffer = KernelBuffer(
            vfio_group_status(argsz: UInt32(MemoryLayout<vfio_group_status>.size), flags: 0))
        let result = group.ioctl(.getGroupStatus, &buffer)
        guard result >= 0, let status = buffer.load(vfio_group_status.self) else {
            throw .refused(request: KernelRequest.getGroupStatus.name, what: path, errno: -result)
        }
        guard status.flags & UInt32(VFIO_GROUP_FLAGS_VIABLE) != 0 else {
            throw .groupNotViable(name, members: foreignMembers(of: name))
        }
    }

    /// Members of a group that a driver of the kernel holds, with its name.
    private func foreignMembers(of group: String) -> [String] {
        kernel.entries(of: "/sys/kernel/iommu_groups/\(group)/devices").compactMap { member in
            guard let driver = kernel.linkTarget("/sys/bus/pci/devices/\(member)/driver"), driver != "vfio-pci" else {
                return nil
            }
            return "\(member): \(driver)"
        }
    }
}

/// An opened group and where its devices see memory.
final class VFIOGroup {
    let handle: KernelHandle
    let container: Type1Container

    init(handle: KernelHandle, container: Type1Container) {
        self.handle = handle
        self.container = container
    }
}
