import Foundation
import Glibc

@testable import VFIODriver

/// Parts of /sys, /proc, /dev and /run in a scratch directory, with a kernel that answers writes to its driver files as the
/// real one does, and fails on request.
final class FakeMachine: SystemTree {
    let root: String
    private let files: HostTree
    /// Every write that reached the kernel: path and text.
    private(set) var writes: [String] = []
    /// The write with this number (from 1) fails with this error.
    var failure: (write: Int, errno: Int32)?
    /// Every write from this number on fails.
    var dead: Int?
    /// Functions that a driver knows by their ids.
    private var known: [String: Set<PCIAddress>] = [:]

    init(iommu: Bool = true) throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("machine-" + UUID().uuidString).path
        files = HostTree(root: root)
        directory("/sys/bus/pci/devices")
        directory("/sys/bus/pci/drivers/vfio-pci")
        directory("/sys/class/net")
        if iommu { directory("/sys/kernel/iommu_groups") }
        file("/proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet\n")
        file("/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vme\n")
        file("/proc/net/route", "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n")
        file("/proc/net/ipv6_route", "")
        file("/dev/vfio/vfio", "")
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    // MARK: making

    func directory(_ path: String) {
        try? FileManager.default.createDirectory(atPath: root + path, withIntermediateDirectories: true)
    }

    func file(_ path: String, _ text: String) { file(path, Array(text.utf8)) }

    func file(_ path: String, _ bytes: [UInt8]) {
        directory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        _ = FileManager.default.createFile(atPath: root + path, contents: Data(bytes))
    }

    func link(_ path: String, to target: String, literally: Bool = false) {
        directory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        unsafe unlink(root + path)
        unsafe symlink((literally ? "" : root) + target, root + path)
    }

    /// Removes a link, or a directory with what is in it.
    func erase(_ path: String) { try? FileManager.default.removeItem(atPath: root + path) }

    /// Adds a function below `parent` (`pci0000:00/0000:00:1c.0`), in an IOMMU group when there is one.
    @discardableResult
    func add(
        _ text: String, below parent: String = "pci0000:00", ids: (UInt16, UInt16) = (0x8086, 0x10C9),
        classCode: UInt32 = 0x020000, driver: String? = nil, group: Int? = nil, config: [UInt8]? = nil,
        interface: String? = nil
    ) -> PCIAddress {
        guard let address = PCIAddress(text) else { fatalError("\(text) is no address") }
        let place = "/sys/devices/\(parent)/\(address)"
        file(place + "/vendor", "0x\(String(ids.0, radix: 16))\n")
        file(place + "/device", "0x\(String(ids.1, radix: 16))\n")
        file(place + "/class", "0x\(String(classCode, radix: 16))\n")
        file(place + "/driver_override", "(null)\n")
        file(place + "/numa_node", "-1\n")
        file(place + "/reset_method", "flr bus\n")
        file(
            place + "/resource",
            "0x00000000f0000000 0x00000000f001ffff 0x0000000000040200\n"
                + String(repeating: "0x0000000000000000 0x0000000000000000 0x0000000000000000\n", count: 5))
        file(place + "/config", config ?? ConfigImage(ids).bytes)
        link(address.sysfs, to: place)
        if let driver { attach(address, driver) }
        if let group {
            link(place + "/iommu_group", to: "/sys/kernel/iommu_groups/\(group)")
            link("/sys/kernel/iommu_groups/\(group)/devices/\(address)", to: place)
            file("/dev/vfio/\(group)", "")
        }
        if let interface {
            directory(place + "/net/\(interface)")
            link("/sys/class/net/\(interface)", to: place + "/net/\(interface)")
        }
        return address
    }

    /// Loads `driver` and lets it have the function.
    func attach(_ address: PCIAddress, _ driver: String) {
        directory("/sys/bus/pci/drivers/\(driver)")
        known[driver, default: []].insert(address)
        link(address.sysfs + "/driver", to: "/sys/bus/pci/drivers/\(driver)")
    }

    /// Gives an interface a default route.
    func route(_ interface: String) {
        let header = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        file("/proc/net/route", header + "\(interface)\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
    }

    // MARK: looking

    func driver(_ address: PCIAddress) -> String? { linkName(address.sysfs + "/driver") }
    func override(_ address: PCIAddress) -> String? { text(address.sysfs + "/driver_override") }

    /// Everything that binding can change.
    var state: [String] {
        names(in: "/sys/bus/pci/devices").compactMap { PCIAddress($0) }.map {
            "\($0) \(driver($0) ?? "none") \(override($0) ?? "") \(text(BindRecord.path($0)) ?? "no record")"
        }
    }

    // MARK: the kernel

    func write(_ text: String, to path: String) -> Int32 {
        writes.append("\(path) \(text)")
        if let failure, failure.write == writes.count { return failure.errno }
        if let dead, writes.count >= dead { return EIO }
        let word = text.split(separator: "\n").first.map(String.init) ?? ""
        let parts = path.split(separator: "/").map(String.init)
        guard path.hasPrefix("/sys/bus/pci/") else { return files.write(text, to: path) }
        switch parts.last {
        case "driver_override": return files.write(word.isEmpty ? "(null)\n" : text, to: path)
        case "unbind":
            guard let address = PCIAddress(word), driver(address) == parts[parts.count - 2] else { return ENODEV }
            unsafe unlink(root + address.sysfs + "/driver")
            return 0
        case "bind":
            let name = parts[parts.count - 2]
            guard exists("/sys/bus/pci/drivers/\(name)") else { return ENOENT }
            guard let address = PCIAddress(word), driver(address) == nil else { return EBUSY }
            let only = override(address)
            let matches = only == "(null)" ? known[name]?.contains(address) == true : only == name
            guard matches else { return ENODEV }
            link(address.sysfs + "/driver", to: "/sys/bus/pci/drivers/\(name)")
            return 0
        default: return EACCES
        }
    }
}
