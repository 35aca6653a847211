internal import DeviceMemory
internal import Timeline

/// One received connection as the consumer sees it.
struct Stream: ~Copyable {
    let connection: UInt32
    let peer: String
    var digest = StreamDigest()
    var http: HTTPPut?
    var output: OutputFile?
    var ended = false
    var reset = false
    var continued = false
    var answered = false
    var shutDown = false
    var shutDownCounted = false
    /// When bytes came last, and the longest time that passed between some and the next.
    private var movedAt: Instant?
    private(set) var longestPause = Interval.zero

    init(connection: UInt32, peer: String, http: Bool, output: consuming OutputFile?) {
        self.connection = connection
        self.peer = peer
        self.http = http ? HTTPPut() : nil
        self.output = output
    }

    /// Takes bytes of the stream in order.
    mutating func take(_ bytes: ByteView, now: Instant) {
        if let movedAt { longestPause = max(longestPause, now - movedAt) }
        movedAt = now
        guard http != nil else { return store(bytes) }
        var body = bytes
        if let start = http?.head(bytes) { body = bytes.from(start) } else { return }
        let wanted = http?.bodyRemaining ?? 0
        let n = min(UInt64(body.count), wanted)
        http?.bodyRemaining = wanted - n
        store(body.slice(0, Int(n)))
    }

    private mutating func store(_ bytes: ByteView) {
        if output == nil {
            digest.update(bytes) { _ in }
        } else if var file = output.take() {
            digest.update(bytes) { file.write($0) }
            output = consume file
        }
    }

    /// Brings the digest up to date, and gives the file its name if the stream is complete; returns what went wrong.
    mutating func finish() -> SessionError? {
        guard var file = output.take() else {
            digest.flush { _ in }
            return nil
        }
        digest.flush { file.write($0) }
        return isComplete ? file.commit() : nil
    }

    /// Whether the stream ended as it should.
    var isComplete: Bool { ended && !reset && (http?.isAccepted ?? true) }
}
