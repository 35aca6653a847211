/// What must never happen.
package enum Rule: String, CaseIterable, Sendable, Codable {
    // On the wire.
    case malformed, checksum, segmentTooLong, acknowledgesUnheard, acknowledgementRetreats, windowRetreats, reportUntrue
    case afterReset, bytesDiffer, bytesUnwritten, beyondWindow, tooManyACKs, timestampWrong, optionNotAgreed
    case burstTooLarge, repeatsTooSoon
    // At the application.
    case streamDiffers, streamShort, sumDiffers, unexplainedEnd, stall, completion
    // In the stack's books.
    case spins, memory, leak
}

/// A rule that was broken.
package struct Failure: Error, Sendable, Hashable, Codable, CustomStringConvertible {
    package var rule: Rule
    /// Microseconds since the start.
    package var at = 0
    package var flow = 0
    /// The end that broke it.
    package var end = 0
    package var text: String

    package init(_ rule: Rule, _ text: String) {
        self.rule = rule
        self.text = text
    }

    package var description: String { "\(rule.rawValue) at \(at) us, flow \(flow), station \(end): \(text)" }
}
