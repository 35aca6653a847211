internal import DeviceMemory
internal import Engine
internal import Timeline
internal import Wire

/// Why a run could not be done, in one sentence that says what to do.
public struct SessionError: Error, CustomStringConvertible, Codable {
    /// The sentence.
    public let description: String

    /// An error with its sentence.
    public init(_ description: String) { self.description = description }

    init(_ error: any Error) { description = String(describing: error) }
}
