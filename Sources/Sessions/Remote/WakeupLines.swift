internal import ClientKit
internal import Engine

/// The lines by which a sleeping stack is woken, as both sides of a run have them.
struct WakeupLines: ~Copyable, Sendable {
    /// Rung by the consumer.
    let application: WakeupLine
    /// Rung for the vectors of a model that runs elsewhere.
    let device: WakeupLine

    static func make() throws(SessionError) -> WakeupLines {
        do {
            return WakeupLines(application: try WakeupLine(), device: try WakeupLine())
        } catch {
            throw SessionError(error)
        }
    }
}

extension WakeupLine {
    /// Another end of the same line.
    borrowing func end() throws(SessionError) -> WakeupLine {
        do {
            return try duplicate()
        } catch {
            throw SessionError(error)
        }
    }
}
