import ArgumentParser
import Foundation
import Sessions

/// Options of printing, and how every long command ends.
struct OutputArguments: ParsableArguments {
    @Flag(help: "Print one JSON object.")
    var json = false
    @Flag(help: "Say what is being done on standard error.")
    var verbose = false

    /// Prints a result, its problems on standard error, and ends with exit status 1 when there are any.
    func finish<Result: Encodable>(_ result: Result, _ transfer: TransferResult, text: () -> Void) {
        finish(result, problems: transfer.problems, text: text)
    }

    /// The same for a result of another kind.
    func finish<Result: Encodable>(_ result: Result, problems: [String], text: () -> Void) {
        if json {
            // Results are plain numbers and texts: they always encode.
            print(String(decoding: encodeJSON(result) ?? [], as: UTF8.self))
        } else {
            text()
        }
        for problem in problems { FileHandle.standardError.write(Data("uiodrv: \(problem)\n".utf8)) }
        if !problems.isEmpty { Foundation.exit(1) }
    }
}

func format(_ number: Double) -> String { String(format: "%.3f", number) }
