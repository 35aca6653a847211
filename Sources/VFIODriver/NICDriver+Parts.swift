internal import DeviceMemory

extension NICDriver where Self: ~Copyable {
    /// Refuses a device that lacks what receiving into a region needs, by the name that `uiodrv probe` has for it; after
    /// ``bringUp(wait:)``, while no queue runs.
    public func requireParts() throws(DriverError) {
        var capabilities = DeviceCapabilities(ConfigSpace(reading: device))
        capabilities.examineRegisters(of: device)
        if let part = capabilities.missing.first(where: { $0.isEssential }) {
            throw .partMissing(name: part.name, consequence: part.consequence)
        }
        if let queues = capabilities.receiveQueues, configuration.splitQueues >= queues {
            throw .tooManyQueues(asked: configuration.splitQueues, limit: queues - 1)
        }
    }
}
