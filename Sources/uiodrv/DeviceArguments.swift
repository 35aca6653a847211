import ArgumentParser
import Sessions

/// Options of the device and its memory, the same for every command.
struct DeviceArguments: ParsableArguments {
    @Option(
        help:
            "Device to drive: our models as softnic:igb, softnic:e1000e or softnic:ixgbe, QEMU's as qemu:igb or qemu:e1000e, or the address of a PCI function that is bound to vfio-pci (0000:01:00.0)."
    )
    var device = "softnic:igb"
    @Option(help: "How the soft NIC behaves: strict (as the datasheet says, at its most inconvenient) or qemu.")
    var preset = "strict"
    @Option(
        help:
            "Memory for payload: memfd:SIZE stands for a device's, bar:ADDRESS:N is a BAR of another PCI function that is bound to vfio-pci, host:SIZE is registered memory of the host."
    )
    var region = "memfd:16M"
    @Option(help: "Bytes of one slot of the region, a power of two from 2K to 2M.")
    var slotSize = Size(4096)
    @Option(help: "Queues that split; the default is 2, or as many as the device has.")
    var queues: Int?
    @Option(help: "Descriptors of each receive ring, a power of two.")
    var descriptors = 512
    @Option(help: "Largest IP packet in bytes.")
    var mtu = 1500
    @Option(
        help:
            "Seed of everything random; the same seed replays the same run (default: 1 in a loopback, drawn anew by a receiver)."
    )
    var seed: UInt64?
    @Option(help: "NUMA node for rings and headers; default is where the command runs.")
    var node: Int?
    @Flag(help: "Never sleep, however idle: for a core that does nothing else.")
    var busyPoll = false
    @Option(help: "Write what passes the wire to this pcap file.")
    var capture: String?

    private func memorySize(_ parts: [Substring]) -> Size? {
        guard parts.count == 2, parts[0] == "memfd" || parts[0] == "host", let size = Size(argument: String(parts[1])),
            size.bytes > 0,
            size.bytes <= 1 << 40
        else { return nil }
        return size
    }

    /// - Parameter defaultSeed: for a run whose seed was not given; secrets towards real peers follow from it.
    func options(defaultSeed: UInt64) throws -> DeviceOptions {
        let name = try DeviceName(parsing: device)
        guard let preset = DevicePreset(rawValue: preset) else {
            throw SessionError("there is no preset \(preset); use strict or qemu")
        }
        let parts = region.split(separator: ":", maxSplits: 1)
        let bar = parts.count == 2 && parts[0] == "bar" ? try BARName(parsing: String(parts[1])) : nil
        guard let size = bar != nil ? Size(0) : memorySize(parts) else {
            throw SessionError(
                "there is no region \(region); use memfd:SIZE, host:SIZE or bar:ADDRESS:N, for example memfd:16M or bar:0000:03:00.0:2"
            )
        }
        guard (2048...(2 << 20)).contains(slotSize.bytes), slotSize.bytes & (slotSize.bytes - 1) == 0 else {
            throw SessionError("a slot of \(slotSize.bytes) bytes cannot be used; choose a power of two from 2K to 2M")
        }
        guard size.bytes / slotSize.bytes <= 1 << 22 else {
            throw SessionError(
                "\(size.bytes / slotSize.bytes) slots are more than the 4194304 that the books are made for; use a smaller --region or a larger --slot-size"
            )
        }
        let queues = queues ?? name.defaultQueues
        guard (1...15).contains(queues) else {
            throw SessionError("\(queues) queues cannot be used; choose from 1 to 15")
        }
        guard (8...4096).contains(descriptors), descriptors & (descriptors - 1) == 0 else {
            throw SessionError(
                "a ring of \(descriptors) descriptors cannot be used; choose a power of two from 8 to 4096")
        }
        guard (576...9702).contains(mtu) else {
            throw SessionError("an MTU of \(mtu) cannot be used; choose from 576 to 9702")
        }
        guard mtu + 22 <= slotSize.bytes else {
            throw SessionError(
                "a frame of MTU \(mtu) does not fit a slot of \(slotSize.bytes) bytes; lower --mtu or raise --slot-size"
            )
        }
        var result = DeviceOptions()
        result.name = name
        result.preset = preset
        result.regionBytes = Int(size.bytes)
        result.regionBAR = bar
        result.regionIsHost = parts[0] == "host"
        result.slotSize = Int(slotSize.bytes)
        result.queues = queues
        result.descriptors = descriptors
        result.mtu = mtu
        result.seed = seed ?? defaultSeed
        result.node = node
        result.busyPoll = busyPoll
        result.capture = capture
        return result
    }
}
