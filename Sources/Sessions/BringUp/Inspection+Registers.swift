internal import DeviceMemory
public import Logging
internal import Timeline
public import VFIODriver

// What is looked at in a device's registers before any driver runs.
extension Inspection {
    /// Registers by name (all of them when there are no names), after the writes that were asked for.
    ///
    /// - Parameter announce: is told each write before it is made.
    public static func registers(
        _ options: DeviceOptions, names: [String], writes: [String], sideEffects: Bool,
        log: Logger, announce: (RegisterWrite) -> Void
    ) throws(SessionError) -> [RegisterReading] {
        try withoutActuallyEscaping(announce) { announce throws(SessionError) in
            try options.withDevice(
                log: log, RegisterUser(names: names, writes: writes, sideEffects: sideEffects, announce: announce))
        }
    }

    /// Statistics, which the read clears.
    public static func statistics(_ options: DeviceOptions, log: Logger) throws(SessionError) -> [CounterReading] {
        try options.withDevice(log: log, StatisticsUser())
    }

    /// The NVM's words.
    public static func nvm(_ options: DeviceOptions, log: Logger) throws(SessionError) -> NVMReport {
        try options.withDevice(log: log, NVMUser())
    }

    /// The PHY's registers.
    public static func phy(_ options: DeviceOptions, log: Logger) throws(SessionError) -> PHYReport {
        try options.withDevice(log: log, PHYUser())
    }
}

extension RunDevice {
    /// BAR 0, answering.
    func registers() throws(SessionError) -> BusType {
        writeConfig32(
            PCIConfig.command, (readConfig32(PCIConfig.command) & 0xFFFF) | PCIConfig.commandMemory)
        guard let bus = bar(0) else { throw SessionError(DriverError.noRegisters) }
        return bus
    }
}

private struct RegisterUser: DeviceUser {
    let names: [String]
    let writes: [String]
    let sideEffects: Bool
    let announce: (RegisterWrite) -> Void

    func use<Device: RunDevice>(
        _ device: Device, _ opened: inout OpenedDevice
    ) throws(SessionError) -> [RegisterReading] {
        do {
            let accessor = RegisterAccessor(try device.registers(), opened.family)
            // Every write is checked before the first is made.
            var plans: [RegisterWrite] = []
            for write in writes { plans.append(try accessor.plan(write)) }
            var readings: [RegisterReading] = []
            for plan in plans {
                announce(plan)
                if let reading = accessor.apply(plan) { readings.append(reading) }
                device.wait(.microseconds(10))
            }
            if writes.isEmpty || !names.isEmpty {
                readings += try accessor.read(names, sideEffects: sideEffects)
            }
            return readings
        } catch {
            throw SessionError(error)
        }
    }
}

private struct StatisticsUser: DeviceUser {
    func use<Device: RunDevice>(
        _ device: Device, _ opened: inout OpenedDevice
    ) throws(SessionError) -> [CounterReading] {
        CounterReading.readAll(try device.registers(), opened.family)
    }
}

private struct NVMUser: DeviceUser {
    func use<Device: RunDevice>(
        _ device: Device, _ opened: inout OpenedDevice
    ) throws(SessionError) -> NVMReport {
        do {
            return try NVMReport.read(device.registers(), opened.family) { device.wait($0) }
        } catch {
            throw SessionError(error)
        }
    }
}

private struct PHYUser: DeviceUser {
    func use<Device: RunDevice>(
        _ device: Device, _ opened: inout OpenedDevice
    ) throws(SessionError) -> PHYReport {
        _ = try device.registers()
        return try opened.family.withDriver(PHYReader(device: device, family: opened.family))
    }
}

private struct PHYReader<Device: RunDevice>: DriverUser {
    let device: Device
    let family: NICFamily

    func use<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type
    ) throws(SessionError) -> PHYReport where Driver.Device == Device {
        do {
            // Takes charge, and changes nothing: the link stays as it is.
            let driver = try Driver(device: device, configuration: configuration, slotSize: 4096)
            return try PHYReport.read(driver, family) { device.wait($0) }
        } catch {
            throw SessionError(error)
        }
    }

    private var configuration: NICConfiguration {
        var configuration = NICConfiguration()
        configuration.splitQueues = 1
        return configuration
    }
}
