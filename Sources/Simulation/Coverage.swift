/// What a scenario can be made of.
package enum Dimension: Int, CaseIterable, Sendable {
    case loss, burstLoss, reorder, duplicate, corruptHeader, corruptPayload, silence, queueOverflow, pathMTU
    case asymmetry, smallSegments, manyFlows, simultaneousOpen, sharedSlots, starvation, shortage, hostMemory,
        unverified
    case coalescing, shortOutput, slowReader, sleepingReader, demand, heldTokens, halfClose, abort, departure
    case withoutTimestamps, withoutSACK, closedWindow, lie, ipv6
    case placedBytes, segmentation, relay
}

/// How often each of them happened.
package struct Coverage: Sendable {
    private var counts = [Int](repeating: 0, count: Dimension.allCases.count)

    package init() {}

    package subscript(dimension: Dimension) -> Int {
        get { counts[dimension.rawValue] }
        set { counts[dimension.rawValue] = newValue }
    }

    package mutating func add(_ other: Coverage) { for i in counts.indices { counts[i] += other.counts[i] } }

    /// What happened at all, once each.
    package var presence: Coverage {
        var result = Coverage()
        for i in counts.indices where counts[i] > 0 { result.counts[i] = 1 }
        return result
    }
}
