internal import Glibc

/// An open file descriptor with one owner, who closes it.
@frozen public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, borrowed: valid while this value lives.
    public let rawValue: Int32

    /// Takes over an open descriptor.
    public init(taking rawValue: Int32) { self.rawValue = rawValue }

    /// Gives the descriptor away without closing it.
    public consuming func release() -> Int32 {
        let value = rawValue
        discard self
        return value
    }

    deinit { close(rawValue) }
}
