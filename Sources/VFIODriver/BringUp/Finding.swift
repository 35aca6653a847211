/// One thing that was looked at, and what came of it.
public struct Finding: Encodable, Sendable, Equatable {
    /// How it stands.
    public enum State: String, Encodable, Sendable {
        /// As it should be.
        case ok
        /// Works, with less than there could be.
        case warning
        /// In the way.
        case problem
    }

    /// What was looked at.
    public let name: String
    /// How it stands.
    public let state: State
    /// What was found.
    public let text: String
    /// What mends it: a command, or what to change; `nil` where nothing is to be done.
    public let remedy: String?

    static func ok(_ name: String, _ text: String) -> Finding {
        Finding(name: name, state: .ok, text: text, remedy: nil)
    }

    static func warning(_ name: String, _ text: String, _ remedy: String) -> Finding {
        Finding(name: name, state: .warning, text: text, remedy: remedy)
    }

    static func problem(_ name: String, _ text: String, _ remedy: String) -> Finding {
        Finding(name: name, state: .problem, text: text, remedy: remedy)
    }
}
