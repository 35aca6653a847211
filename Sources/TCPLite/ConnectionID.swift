/// Names a connection: its place in the table, and which of that place's connections it is.
///
/// An id outlives its connection harmlessly: calls with the id of a connection that is gone do nothing. How the 32 bits are
/// shared between place and number depends on the configuration's `maxConnections`: a stack for 1024 connections has 22 for
/// the number, one for a million has 12. Places are used in turn, a thousand at least, so an id comes again after
/// millions of connections at the earliest.
@frozen public struct ConnectionID: Hashable, Sendable, BitwiseCopyable {
    /// What channels and commands carry; never all ones.
    public let rawValue: UInt32

    /// Wraps an id that was taken apart before.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// How a stack's ids are made up: the place in the lower bits, as many as places need, the number in the others.
struct IdentifierLayout: BitwiseCopyable {
    private let mask: UInt32

    init(places: Int) {
        var bits: UInt32 = 0
        while bits < 31 && 1 << Int(bits) < places { bits += 1 }
        mask = 1 &<< bits &- 1
    }

    /// The place that an id names.
    @inline(__always) func place(_ id: UInt32) -> Int { Int(id & mask) }

    /// The first id of a place.
    func first(_ place: Int) -> UInt32 { skipReserved(UInt32(truncatingIfNeeded: place)) }

    /// The id of a place's next connection.
    func next(_ id: UInt32) -> UInt32 { skipReserved(id &+ mask &+ 1) }

    /// All ones stands for no connection in records of events.
    private func skipReserved(_ id: UInt32) -> UInt32 { id == .max ? id &+ mask &+ 1 : id }
}
