import ArgumentParser
import Sessions
import VFIODriver

struct Bind: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hands a device over to vfio-pci, so that a process can drive it.",
        discussion: "Checks everything first; what fails on the way is taken back. uiodrv unbind gives the device back."
    )

    @Argument(help: "The device: 0000:01:00.0.")
    var address: String
    @Option(help: "Driver that gets it.")
    var driver = "vfio-pci"
    @Flag(help: "Hand over what else is in use in its IOMMU group as well.")
    var group = false
    @Flag(help: "Even the interface of the default route, storage, or a function with virtual functions.")
    var force = false
    @OptionGroup var output: BindOutput

    func run() {
        do {
            let plan = try BindPlan.bind(
                PCIAddress(parsing: address), to: driver, wholeGroup: group, force: force, in: HostTree())
            try output.carryOut(plan)
        } catch {
            fail(error)
        }
    }
}

struct Unbind: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Gives a device back to the driver that had it before uiodrv bind.")

    @Argument(help: "The device: 0000:01:00.0.")
    var address: String
    @Option(help: "Driver that gets it; default is the one that had it.")
    var driver: String?
    @Flag(help: "Give back every member of its IOMMU group that was handed over.")
    var group = false
    @OptionGroup var output: BindOutput

    func run() {
        do {
            let plan = try BindPlan.unbind(
                PCIAddress(parsing: address), to: driver, wholeGroup: group, in: HostTree())
            try output.carryOut(plan)
        } catch {
            fail(error)
        }
    }
}

/// How both commands end.
struct BindOutput: ParsableArguments {
    @Flag(help: "Print what would be done, and do nothing.")
    var dryRun = false
    @Flag(help: "Print one JSON object.")
    var json = false

    private struct Result: Encodable {
        let functions: [PCIAddress]
        let driver: String?
        let commands: [String]
        let done: Bool
    }

    func carryOut(_ plan: BindPlan) throws {
        if !dryRun { try plan.perform(in: HostTree()) }
        if json {
            return printJSON(
                Result(functions: plan.functions, driver: plan.driver, commands: plan.commands, done: !dryRun))
        }
        if dryRun { return plan.commands.forEach { print($0) } }
        if plan.functions.isEmpty { print("nothing to do: the device has that driver already") }
        for function in plan.functions { print("\(function): \(driver(of: function) ?? "no driver")") }
    }

    private func driver(of address: PCIAddress) -> String? {
        (try? PCIFunction.at(address, in: HostTree()))?.driver
    }
}
