import ArgumentParser
import Foundation
import Sessions

/// What a wire does to frames, the same for every command that has a wire of its own making.
struct ImpairmentArguments: ParsableArguments {
    @Option(help: "Frames lost, as a probability, in both directions; likewise the following.")
    var loss = "0"
    @Option(help: "Frames doubled.")
    var duplicate = "0"
    @Option(help: "Frames overtaken by later ones, P:DEPTH.")
    var reorder = "0"
    @Option(help: "Frames with a bit or byte changed.")
    var corrupt = "0"
    @Option(help: "Frames cut short.")
    var truncate = "0"
    @Option(help: "Longest extra delay of a frame, in microseconds.")
    var jitter: UInt64 = 0

    /// - Parameter lie: probability that the NIC claims a wrong checksum verdict, where a model can be told to.
    func options(lie: String = "0") throws -> ImpairmentOptions {
        try ImpairmentOptions(
            loss: loss, duplicate: duplicate, reorder: reorder, corrupt: corrupt, truncate: truncate, lie: lie,
            jitterMicroseconds: jitter)
    }
}

/// A range of message sizes, `MIN..MAX`.
func parseMessageSize(_ text: String) throws -> ClosedRange<UInt64> {
    let ends = text.components(separatedBy: "..").map { Size(argument: $0) }
    guard ends.count == 2, let low = ends[0]?.bytes, let high = ends[1]?.bytes, low >= 1, low <= high else {
        throw SessionError("\(text) is no range of sizes; write it as 1..1M")
    }
    return low...high
}
