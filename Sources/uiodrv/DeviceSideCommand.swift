import ArgumentParser
import Sessions

/// The other half of `--isolate`: started by the command itself, with its socket as descriptor 3.
struct DeviceSideCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "device-side", shouldDisplay: false)

    @Argument var task: String

    func run() {
        do {
            try DeviceProcess.run(task: task)
        } catch {
            fail(error)
        }
    }
}
