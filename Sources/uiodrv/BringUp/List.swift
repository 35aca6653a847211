import ArgumentParser
import Sessions
import VFIODriver

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists network controllers with what decides whether they can be handed to user space.")

    @Flag(help: "List every PCI function, not network controllers alone.")
    var all = false
    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Result: Encodable {
        let devices: [PCIFunction]
    }

    func run() {
        let devices = PCIFunction.all(in: HostTree()).filter { all || $0.isNetworkController }
        if json { return printJSON(Result(devices: devices)) }
        if devices.isEmpty {
            let hint = all ? "" : "; uiodrv list --all shows other functions"
            print("this machine has no PCI \(all ? "device" : "network controller")\(hint)")
        }
        for device in devices { printText(device) }
    }

    private func printText(_ device: PCIFunction) {
        let vendor = device.vendorName ?? "vendor \(device.vendor)"
        let name = device.deviceName ?? "device \(device.device)"
        print(
            "\(device.address)  \(device.vendor):\(device.device)  \(vendor) \(name) (rev \(device.revision))"
        )
        var facts = ["\(device.className ?? "class \(device.classCode)")", "driver \(device.driver ?? "none")"]
        if !device.interfaces.isEmpty { facts.append("interface \(device.interfaces.joined(separator: ", "))") }
        if let group = device.iommuGroup {
            let others = device.groupMembers.filter { $0 != device.address }.map(\.description)
            facts.append("IOMMU group \(group)" + (others.isEmpty ? "" : " with \(others.joined(separator: ", "))"))
        } else {
            facts.append("no IOMMU group")
        }
        if let node = device.numaNode { facts.append("NUMA node \(node)") }
        if let speed = device.linkSpeedGTs, let width = device.linkWidth {
            let limit =
                device.maxLinkSpeedGTs.flatMap { most in device.maxLinkWidth.map { " of \(most) GT/s x\($0)" } } ?? ""
            facts.append("link \(speed) GT/s x\(width)\(limit)")
        }
        print("              \(facts.joined(separator: "; "))")
    }
}
