internal import DeviceMemory
internal import Engine
internal import Glibc
internal import Packets
internal import TCPLite
internal import Timeline
internal import VFIODriver

/// Fixed names and numbers of a run.
enum SessionPlan {
    static let receiver = IPv4Address(10, 0, 0, 1)
    static let sender = IPv4Address(10, 0, 0, 2)
    static let port: UInt16 = 5001
    /// Locally administered; the model's NVM holds it.
    static let mac = MACAddress(0x02, 0, 0, 0, 0, 1)
    static let macAddress: [UInt8] = [0x02, 0, 0, 0, 0, 1]
    /// The other port's, where two test each other.
    static let peerMACAddress: [UInt8] = [0x02, 0, 0, 0, 0, 2]

    /// The receiver's interface in a loopback.
    static func interface(_ device: DeviceOptions) -> InterfaceConfiguration {
        InterfaceConfiguration(mac: mac, address: receiver, prefixLength: 24, mtu: device.mtu)
    }

    /// The stack's configuration over a region: what is not in the rings may be promised to flows.
    static func stack(
        _ device: DeviceOptions, slots: Int, interface: InterfaceConfiguration, connections: Int
    ) throws(SessionError) -> Configuration {
        let posted = device.queues * device.descriptors
        guard slots > posted + 64 else {
            throw SessionError(
                "the region is smaller than its rings: \(slots) slots of \(device.slotSize) bytes for \(device.queues) rings of \(device.descriptors) descriptors; use a --region of at least \((posted + 64) * device.slotSize * 2) bytes"
            )
        }
        var configuration = Configuration(interface: interface)
        configuration.maxConnections = max(connections + 16, 64)
        configuration.slotBudget = slots - posted
        configuration.slotsPerFlow = max((slots - posted) / max(connections, 1), 8)
        configuration.slotsPerFlow = min(configuration.slotsPerFlow, 4096)
        configuration.linearBytesPerFlow = min(256 << 10, max((1 << 20) / max(connections, 1), 2048))
        configuration.transmitChecksumOffload = true
        configuration.msl = .milliseconds(500)
        return configuration
    }

    /// Lets the stack send from regions, and the device cut what is sent into segments.
    static func sendFromRegion(_ configuration: inout EngineConfiguration) {
        // 2 KiB each, 16 MiB under way.
        configuration.stack.placedSends = 8192
        configuration.stack.segmentationOffload = true
    }

    static func engine(_ device: DeviceOptions, stack: Configuration) -> EngineConfiguration {
        var configuration = EngineConfiguration(stack: stack)
        configuration.device.splitQueues = device.queues
        configuration.device.receiveDescriptors = device.descriptors
        configuration.device.mtu = device.mtu
        configuration.device.hashSeed = device.seed
        configuration.node = device.node
        configuration.memory = device.regionIsHost ? .host(readable: true) : .device
        configuration.secret = (device.seed &* 0x9E37_79B9_7F4A_7C15, ~device.seed)
        return configuration
    }

    /// The region that was named; memory of a device is reached through `system`.
    static func region(_ device: DeviceOptions, _ system: VFIOSystem) throws(SessionError) -> DeviceRegion {
        do {
            if let bar = device.regionBAR {
                return try system.open(bar.device).lendRegion(bar: bar.index, slotSize: device.slotSize)
            }
            return try DeviceRegion(
                size: device.regionBytes, slotSize: device.slotSize, visibility: .flushRead)
        } catch {
            throw SessionError(error)
        }
    }

    /// A QEMU whose controller is `family` and whose peer device is `region`.
    static func machine(
        _ family: NICFamily, _ region: borrowing DeviceRegion, macAddress: [UInt8] = macAddress
    ) throws(SessionError) -> QTestMachine {
        do {
            return try QTestMachine(
                family, macAddress: macAddress, region: region.object,
                searchPath: unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin")
        } catch {
            throw SessionError(error)
        }
    }

    /// The controller of `machine`.
    static func device(
        _ machine: QTestMachine, _ region: borrowing DeviceRegion
    ) throws(SessionError) -> QTestDevice {
        do {
            return try QTestDevice(machine, flushOffset: region.flushOffset)
        } catch {
            throw SessionError(error)
        }
    }
}
