internal import CShim
internal import DeviceMemory
internal import Logging

extension VFIODevice {
    /// Stops DMA and resets the function; what cannot be done is logged. ``resetFunction()`` says it to its caller.
    public func reset() {
        do { try resetFunction() } catch { log.error("\(error)") }
    }

    /// Stops DMA and resets the function alone.
    ///
    /// `VFIO_DEVICE_RESET` tries a function-level reset, a change of power state and, for the only function of its slot, a
    /// bus reset. Where it has none of them a hot reset of the slot is left, which is refused when it would hit others.
    ///
    /// - Throws: ``VFIOError/lent(_:regions:)``, ``VFIOError/noReset(_:sharedWith:)`` or what the kernel refused.
    public func resetFunction() throws(DriverError) {
        guard lent.count == 0 else { throw .vfio(.lent(address, regions: lent.count)) }
        stopMastering()
        guard canReset else { return try hotReset() }
        let result = handle.ioctl(.resetDevice)
        guard result >= 0 else {
            throw .vfio(.refused(request: KernelRequest.resetDevice.name, what: address, errno: -result))
        }
    }

    private func hotReset() throws(DriverError) {
        let (answer, _) = handle.info(.getHotResetInfo, shim_hot_reset_info())
        guard let answer, let info = answer.load(shim_hot_reset_info.self), info.count > 0 else {
            throw .vfio(.noReset(address, sharedWith: []))
        }
        var others: [String] = []
        for i in 0..<Int(min(info.count, 256)) {
            let place =
                MemoryLayout<shim_hot_reset_info>.size + i * MemoryLayout<vfio_pci_dependent_device>.size
            guard let device = answer.load(vfio_pci_dependent_device.self, at: place) else { break }
            let name = Self.name(device)
            if name != address { others.append(name) }
        }
        guard others.isEmpty else { throw .vfio(.noReset(address, sharedWith: others)) }
        // The groups that the caller owns: its own. A device of iommufd proves its ownership by itself.
        let groups = groupDescriptor.map { [$0] } ?? []
        let size = MemoryLayout<shim_hot_reset>.size
        var argument = shim_hot_reset()
        argument.argsz = UInt32(size + groups.count * 4)
        argument.count = UInt32(groups.count)
        var buffer = KernelBuffer(argument, trailing: groups.count * 4)
        for (i, group) in groups.enumerated() { buffer.store(group, at: size + i * 4) }
        let result = handle.ioctl(.hotReset, &buffer)
        guard result >= 0 else {
            throw .vfio(.refused(request: KernelRequest.hotReset.name, what: address, errno: -result))
        }
    }

    private static func name(_ device: vfio_pci_dependent_device) -> String {
        func hex(_ value: some BinaryInteger, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: max(digits - text.count, 0)) + text
        }
        return
            "\(hex(device.segment, 4)):\(hex(device.bus, 2)):\(hex(device.devfn >> 3, 2)).\(hex(device.devfn & 7, 1))"
    }
}
