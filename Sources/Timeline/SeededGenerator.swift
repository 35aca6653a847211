/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): one word of state, so that a seed is the whole story of a run.
@frozen public struct SeededGenerator: RandomNumberGenerator, Sendable, BitwiseCopyable {
    @usableFromInline var state: UInt64

    /// The same seed gives the same sequence on every machine and build.
    @inlinable public init(seed: UInt64) { state = seed }

    /// A generator for one named part of a run: parts draw independently, so adding draws to one leaves the rest alone.
    @inlinable public init(seed: UInt64, stream: UInt64) {
        state = seed ^ (stream &* 0xD134_2543_DE82_EF95)
        _ = next()
    }

    @inlinable public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z &>> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z &>> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z &>> 31)
    }

    /// Uniform in `0..<bound` (multiply-shift; the bias of at most 2^-32 does not matter to a simulation).
    @inlinable public mutating func below(_ bound: UInt32) -> UInt32 {
        UInt32(truncatingIfNeeded: ((next() &>> 32) &* UInt64(bound)) &>> 32)
    }

    /// True with probability `p`.
    @inlinable public mutating func happens(_ p: Probability) -> Bool {
        p.scaled != 0 && (next() &>> 32) < p.scaled
    }
}

/// A probability in steps of 2^-32: drawn by integer comparison, so that builds and machines agree bit for bit.
@frozen public struct Probability: Sendable, Hashable, BitwiseCopyable {
    /// The probability times 2^32.
    public let scaled: UInt64

    /// Clamps `value` to `0...1`.
    public init(_ value: Double) {
        let clamped = min(max(value, 0), 1)
        scaled = UInt64(clamped * 4_294_967_296)
    }

    /// Never happens.
    public static var never: Probability { Probability(0) }
}
