public import Timeline

/// What is done to the frames of one direction, each kind by its own probability.
public struct Impairments: Sendable, Hashable {
    /// Frames that vanish.
    public var loss: Probability = .never
    /// Frames that arrive twice.
    public var duplicate: Probability = .never
    /// Frames that later ones overtake.
    public var reorder: Reordering = .never
    /// Frames of which one bit, or one whole byte, anywhere from the first byte to the last, changes.
    public var corrupt: Probability = .never
    /// Frames that lose their end.
    public var truncate: Probability = .never
    /// Frames for which the receiving NIC model is asked to claim a wrong checksum verdict.
    public var lie: Probability = .never
    /// Longest extra delay; each frame draws its own up to this, and order is kept.
    public var jitter: Interval = .zero

    /// Nothing is done.
    public init() {}

    /// Whether frames pass untouched.
    public var areNone: Bool { self == Impairments() }

    /// Reads a probability: a decimal number from 0 to 1.
    ///
    /// - Throws: ``WireError/badProbability(text:)``.
    public static func parseProbability(_ text: String) throws(WireError) -> Probability {
        // Only plain decimals: Double also takes "nan", "inf" and hexadecimal, which no one means here.
        guard text.utf8.allSatisfy({ "0123456789.eE-".utf8.contains($0) }), let value = Double(text), value >= 0,
            value <= 1
        else { throw .badProbability(text: text) }
        return Probability(value)
    }
}

/// How frames change places: one in so many is held back until later frames have passed it.
public struct Reordering: Sendable, Hashable {
    /// The deepest reordering, in frames.
    public static let maximumDepth = 64

    /// Frames that are held back.
    public var probability: Probability
    /// How many later frames may pass at most; each held frame draws its own number from 1 to this.
    public var depth: UInt32

    /// Order is kept.
    public static var never: Reordering { Reordering(probability: .never, depth: 1) }

    /// Clamps `depth` to `1...maximumDepth`.
    public init(probability: Probability, depth: UInt32) {
        self.probability = probability
        self.depth = min(max(depth, 1), UInt32(Reordering.maximumDepth))
    }

    /// Reads `P:DEPTH`, such as `0.02:8`; `P` alone means a depth of 1, two neighbours that change places.
    ///
    /// - Throws: ``WireError/badReorder(text:)``.
    public init(parsing text: String) throws(WireError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2,
            let probability = try? Impairments.parseProbability(String(first))
        else { throw .badReorder(text: text) }
        var depth: UInt32 = 1
        if parts.count == 2 {
            guard let value = UInt32(parts[1]), value >= 1, value <= Reordering.maximumDepth else {
                throw .badReorder(text: text)
            }
            depth = value
        }
        self.init(probability: probability, depth: depth)
    }
}

/// What an impairment did so far.
public struct ImpairmentStatistics: Sendable, Hashable {
    /// Frames that came in.
    public var frames: UInt64 = 0
    /// Frames that went out, duplicates included.
    public var delivered: UInt64 = 0
    /// Frames that vanished.
    public var lost: UInt64 = 0
    /// Frames that were doubled.
    public var duplicated: UInt64 = 0
    /// Frames that were held back for reordering.
    public var heldBack: UInt64 = 0
    /// Held frames that left by time, because too few frames followed.
    public var flushed: UInt64 = 0
    /// Frames with a changed bit or byte.
    public var corrupted: UInt64 = 0
    /// Frames that lost their end.
    public var truncated: UInt64 = 0
    /// Intact frames marked to be claimed bad or unchecked.
    public var liedAboutGood: UInt64 = 0
    /// Damaged frames marked to be claimed good: a receiver that trusts its NIC accepts them.
    public var liedAboutBad: UInt64 = 0
    /// Frames too long for the queue behind the impairment, which vanished.
    public var oversized: UInt64 = 0

    /// All zero.
    public init() {}
}
