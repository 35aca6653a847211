internal import DeviceMemory
internal import Logging
internal import SoftNIC
internal import Timeline
internal import VFIODriver

/// Somebody who works with a device of any kind: its type is chosen once, at the top, and is concrete below.
protocol DeviceUser: ~Copyable {
    associatedtype Result
    consuming func use<Device: RunDevice>(
        _ device: Device, _ opened: inout OpenedDevice
    ) throws(SessionError) -> Result
}

/// What comes with a device besides itself.
struct OpenedDevice: ~Copyable {
    let name: DeviceName
    let family: NICFamily
    private var region: DeviceRegion?
    /// What the device says of itself beyond its registers: a version, for reports.
    let version: String
    /// Faults and driver errors that a model counted; empty for devices that count none.
    let findings: () -> [String]
    /// Where the port's frames leave and arrive, which can be taken once; `nil` where the cable is a real one.
    let cableEnd: () throws(SessionError) -> (any TestCableEnd)?

    init(
        name: DeviceName, family: NICFamily, region: consuming DeviceRegion, version: String,
        findings: @escaping () -> [String] = { [] },
        cableEnd: @escaping () throws(SessionError) -> (any TestCableEnd)?
    ) {
        self.name = name
        self.family = family
        self.region = consume region
        self.version = version
        self.findings = findings
        self.cableEnd = cableEnd
    }

    /// The region, which can be taken once.
    mutating func takeRegion() throws(SessionError) -> DeviceRegion {
        guard let region = region.take() else { throw SessionError("the device's region is in use; run it again") }
        return region
    }
}

extension SoftPCIDevice: RunDevice {
    var isGone: Bool { false }

    func flushWindow(_ region: borrowing DeviceRegion) -> SoftBus { flushWindow }

    /// The model's clock is the run's: waiting for the device moves it.
    func wait(_ interval: Interval) {
        nic.now = nic.now + interval
        _ = nic.step(now: nic.now)
    }
}

extension DeviceOptions {
    /// Opens the device for bring-up, in this thread, and hands it to `user` with a region that nobody else uses.
    ///
    /// - Parameter macAddress: the station address of a device that is a model, 6 bytes.
    func withDevice<User: DeviceUser & ~Copyable>(
        log: Logger, macAddress: [UInt8] = SessionPlan.macAddress, _ user: consuming User
    ) throws(SessionError) -> User.Result {
        let system = VFIOSystem(log: log)
        // Before the region: a peer function of the same group shares its container.
        let hardware = try openHardware(system)
        let region = try SessionPlan.region(self, system)
        switch name {
        case .softnic(let family):
            var model = model
            model.macAddress = macAddress
            let nic = SoftNIC(configuration: model)
            var opened = OpenedDevice(
                name: name, family: family, region: region, version: "SoftNIC, preset \(preset.rawValue)",
                findings: {
                    var found: [String] = []
                    if nic.iommuFaultCount != 0 { found.append("\(nic.iommuFaultCount) IOMMU faults") }
                    if nic.flags.total != 0 { found.append("driver errors: \(nic.flags)") }
                    return found
                },
                cableEnd: { nic })
            return try user.use(SoftPCIDevice(nic), &opened)
        case .qemu(let family):
            let machine = try SessionPlan.machine(family, region, macAddress: macAddress)
            let device = try SessionPlan.device(machine, region)
            let capacity = mtu + 64
            var opened = OpenedDevice(
                name: name, family: family, region: region, version: machine.version,
                cableEnd: { () throws(SessionError) in try MachineCableEnd(machine, frameCapacity: capacity) })
            return try user.use(device, &opened)
        case .pci(let address):
            guard let device = hardware else { throw SessionError("\(name) is no PCI function") }
            let log = IOMMUFaultLog()
            var opened = OpenedDevice(
                name: name, family: try device.family(), region: region, version: "kernel VFIO",
                findings: {
                    switch log {
                    case .some(let log): log.faults(of: address)
                    case .none: []
                    }
                },
                cableEnd: { nil })
            return try user.use(device, &opened)
        }
    }
}
