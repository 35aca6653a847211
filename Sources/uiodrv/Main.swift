import ArgumentParser
import Foundation
import Logging
import Sessions

@main
struct Main: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uiodrv",
        abstract: "Receives network payload straight into device memory, from user space.",
        subcommands: [
            Loopback.self, Receive.self, Send.self, Capture.self, Serve.self, Peer.self, Bench.self, List.self,
            Probe.self,
            Config.self,
            Bind.self,
            Unbind.self,
            DoctorCommand.self, Regs.self, NVM.self, Phy.self, Stats.self, SelfTestCommand.self, Replay.self,
            DeviceSideCommand.self,
        ])
}

/// Ends the process with one sentence and exit code 1.
func fail(_ error: some Error) -> Never {
    let sentence = String(describing: error)
    FileHandle.standardError.write(Data("uiodrv: \(sentence)\n".utf8))
    Foundation.exit(1)
}

func makeLog(verbose: Bool) -> Logger {
    LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
    var log = Logger(label: "uiodrv")
    log.logLevel = verbose ? .info : .warning
    return log
}

/// Progress on standard error, on a terminal only.
func progressPrinter(total: UInt64?, json: Bool) -> (UInt64) -> Void {
    guard isatty(2) != 0, !json else { return { _ in } }
    return { bytes in
        let mebibytes = bytes >> 20
        let text = total.map { "\(mebibytes) of \($0 >> 20) MiB" } ?? "\(mebibytes) MiB"
        FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
    }
}
