internal import DeviceMemory
internal import Glibc
internal import Timeline
internal import VFIODriver

extension VFIODevice: RunDevice {
    func wait(_ interval: Interval) {
        let end = monotonicNow() + interval
        while monotonicNow() < end { pauseBriefly() }
    }

    /// The family whose driver takes charge of this function.
    func family() throws(SessionError) -> NICFamily {
        let identity = readConfig32(PCIConfig.identity)
        guard let family = NICFamily(identity: identity) else {
            let id = String(identity & 0xFFFF, radix: 16) + ":" + String(identity >> 16, radix: 16)
            throw SessionError(
                "\(address) is a device \(id) that no driver here knows; uiodrv probe says what can be used")
        }
        return family
    }
}

extension DeviceOptions {
    /// The kernel's device that was named, opened; `nil` for a model.
    func openHardware(_ system: VFIOSystem) throws(SessionError) -> VFIODevice? {
        guard case .pci(let address) = name else { return nil }
        do {
            return try system.open(address)
        } catch {
            throw SessionError(error)
        }
    }

    /// The family of the model that was named.
    func modelFamily() throws(SessionError) -> NICFamily {
        guard let family = name.family else {
            throw SessionError(
                "a loopback has both ends of its wire, and \(name) has one; run: uiodrv receive --device \(name)")
        }
        return family
    }
}
