/// Whose the tokens of a binding are: when what an application forgot comes back.
public enum TokenLifetime: Sendable, Hashable {
    /// Tokens belong to the connection that brought them: they come back when the application leaves it, or dies.
    case connection
    /// Tokens belong to the binding: they outlive their connections, and come back when the application dies.
    case binding
}

/// How an application takes part: rings, lines, and the rules for its tokens.
public struct PortConfiguration: Sendable, Hashable {
    /// Whose the tokens are.
    public var lifetime = TokenLifetime.connection
    /// Whether bytes in host memory get a place in the region, so that every record is of the region.
    public var uniform = false
    /// Tokens that may be out at once.
    public var tokenLimit: Int

    /// An application that may hold `tokenLimit` tokens.
    public init(tokenLimit: Int) { self.tokenLimit = tokenLimit }
}
