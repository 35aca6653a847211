import ArgumentParser
import Sessions

/// The device of a bring-up command, and how the model behaves where it is one.
struct BringUpArguments: ParsableArguments {
    @Argument(
        help:
            "Device: softnic:igb, softnic:e1000e, softnic:ixgbe, qemu:igb, qemu:e1000e, or the address of a PCI function as 0000:01:00.0."
    )
    var device: String
    @Option(help: "How a soft NIC behaves: strict (as the datasheet says, at its most inconvenient) or qemu.")
    var preset = "strict"

    func options() throws -> DeviceOptions {
        var options = DeviceOptions()
        options.name = try DeviceName(parsing: device)
        guard let preset = DevicePreset(rawValue: preset) else {
            throw SessionError("there is no preset \(preset); use strict or qemu")
        }
        options.preset = preset
        options.regionBytes = 1 << 20
        return options
    }
}
