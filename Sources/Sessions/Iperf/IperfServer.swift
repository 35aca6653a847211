internal import DeviceMemory
internal import Engine
internal import Timeline

/// The server's half of iperf3's protocol, for one test after the other: what comes on connections in, what is to be said and
/// done on them out. It does no I/O and sees no payload but cookies and what the control connection carries.
///
/// A client opens a control connection and names itself by a cookie of 37 bytes; the ends then tell each other by states how
/// far they are. Connections that begin with the same cookie carry data.
struct IperfServer {
    static let cookieBytes = 37
    /// Data connections of one test.
    static let mostStreams = 16
    /// Longest message of a client, and most bytes that one of its control connections may have waiting.
    private static let messageLimit = 256 << 10

    /// What is to be done, in this order.
    enum Action: Equatable {
        case say(UInt32, [UInt8])
        /// No more is said; what comes is still taken.
        case shutDown(UInt32)
        /// No more is read or said, and what waits to be sent is not waited for. For connections that bring no payload: tokens
        /// come back by themselves when their connection is left.
        case leave(UInt32)
    }

    /// A data connection.
    struct Stream {
        let connection: UInt32
        let peer: String
        /// Bytes that arrived, without the cookie, or were handed over to be sent, until the client was told of them.
        var bytes: UInt64 = 0
        var isOver = false
    }

    private enum Step { case parameters, streams, running, results, display, over }

    private struct Test {
        let cookie: [UInt8]
        let control: UInt32
        let peer: String
        var step = Step.parameters
        var parameters: IperfParameters?
        var streams: [Stream] = []
        var pending: [UInt8] = []
        var began = Instant.zero
        var seconds = 0.0
    }

    private let wanted: Int
    private var test: Test?
    /// Connections that have not said who they are, with what they said so far.
    private var strangers: [UInt32: (peer: String, bytes: [UInt8])] = [:]
    /// Data connections, by their place in the test.
    private var places: [UInt32: Int] = [:]
    private(set) var finished: [IperfTestResult] = []
    private(set) var actions: [Action] = []

    init(tests: Int) { wanted = tests }

    /// Whether as many tests as asked for are over.
    var isDone: Bool { finished.count >= wanted }

    /// Takes what is to be done.
    mutating func takeActions() -> [Action] {
        defer { actions = [] }
        return actions
    }

    mutating func opened(_ connection: UInt32, peer: String) { strangers[connection] = (peer, []) }

    /// Counts bytes of a data connection, which need not be looked at; false for a connection whose bytes are wanted.
    mutating func count(_ connection: UInt32, _ bytes: Int) -> Bool {
        guard let place = places[connection] else { return false }
        // What the client has been told stays what was counted.
        if test?.step != .display { test?.streams[place].bytes += UInt64(bytes) }
        return true
    }

    /// Takes bytes of a connection that are no payload, or may be none.
    mutating func take(_ connection: UInt32, _ bytes: ByteView, now: Instant) {
        if connection == test?.control {
            hear(bytes.array(), now)
            return
        }
        guard var stranger = strangers[connection] else { return }
        let missing = IperfServer.cookieBytes - stranger.bytes.count
        stranger.bytes += bytes.slice(0, min(missing, bytes.count)).array()
        strangers[connection] = stranger
        guard stranger.bytes.count == IperfServer.cookieBytes else { return }
        strangers[connection] = nil
        let rest = bytes.from(min(missing, bytes.count))
        if test == nil && !isDone {
            test = Test(cookie: stranger.bytes, control: connection, peer: stranger.peer)
            say(.exchangeParameters)
            if rest.count > 0 { hear(rest.array(), now) }
        } else if test?.cookie == stranger.bytes, test?.step == .streams {
            join(connection, stranger.peer, rest.count, now)
        } else {
            actions.append(.say(connection, [IperfState.accessDenied.rawValue]))
            actions.append(.shutDown(connection))
        }
    }

    /// The peer closed its direction, or the connection is gone.
    mutating func ended(_ connection: UInt32, now: Instant) {
        strangers[connection] = nil
        if let place = places[connection] {
            test?.streams[place].isOver = true
        } else if connection == test?.control {
            let isComplete = test?.step == .display
            end(isComplete ? nil : "its control connection ended before the test did", now)
        }
    }

    /// Data connections that this end sends on now, and bytes of one write.
    var sending: (connections: [UInt32], bytes: Int)? {
        guard let test, test.step == .running, let parameters = test.parameters, parameters.isReverse else {
            return nil
        }
        return (test.streams.filter { !$0.isOver }.map(\.connection), parameters.len ?? 128 << 10)
    }

    private mutating func join(_ connection: UInt32, _ peer: String, _ early: Int, _ now: Instant) {
        guard var test, let parameters = test.parameters else { return }
        places[connection] = test.streams.count
        test.streams.append(Stream(connection: connection, peer: peer, bytes: UInt64(early)))
        if test.streams.count == parameters.streams {
            test.step = .running
            test.began = now
            actions.append(
                .say(test.control, [IperfState.testStart.rawValue, IperfState.testRunning.rawValue]))
        }
        self.test = test
    }

    private mutating func say(_ state: IperfState) {
        guard let control = test?.control else { return }
        actions.append(.say(control, [state.rawValue]))
    }

    /// What the client says on its control connection, as it comes.
    private mutating func hear(_ bytes: [UInt8], _ now: Instant) {
        test?.pending += bytes
        while let test, !test.pending.isEmpty {
            guard test.pending.count <= IperfServer.messageLimit else {
                return end("it sent more than a client has to say", now)
            }
            switch test.step {
            case .parameters, .results:
                guard let text = takeText(now) else { return }
                if test.step == .parameters { prepare(text, now) } else { answer(text, now) }
            case .streams, .running, .display:
                self.test?.pending.removeFirst()
                turn(IperfState(rawValue: test.pending[0]), now)
            case .over: return
            }
        }
    }

    /// The next message with a length in front; `nil` while it is not complete.
    private mutating func takeText(_ now: Instant) -> ArraySlice<UInt8>? {
        guard let pending = test?.pending, pending.count >= 4 else { return nil }
        let length = pending[0..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= IperfServer.messageLimit - 4 else {
            end("it announced a message of \(length) bytes", now)
            return nil
        }
        guard pending.count >= 4 + length else { return nil }
        test?.pending.removeFirst(4 + length)
        return pending[4..<4 + length]
    }

    private mutating func prepare(_ text: ArraySlice<UInt8>, _ now: Instant) {
        guard let parameters = iperfValue(IperfParameters.self, text) else {
            return refuse("its parameters are no JSON that could be understood", now)
        }
        if let refusal = parameters.refusal(mostStreams: IperfServer.mostStreams) { return refuse(refusal, now) }
        test?.parameters = parameters
        test?.step = .streams
        say(.createStreams)
    }

    private mutating func turn(_ state: IperfState?, _ now: Instant) {
        switch (state, test?.step) {
        case (.testEnd, .running):
            test?.step = .results
            if let began = test?.began { test?.seconds = (now - began).seconds }
            // What waits to be sent to a client that reads no more would stand in the way of what it waits for.
            if test?.parameters?.isReverse ?? false { leaveStreams() }
            say(.exchangeResults)
        case (.done, .display): end(nil, now)
        case (.clientTerminate, _): end("the client ended the test", now)
        default: refuse("it said what makes no sense at this point", now)
        }
    }

    /// The client's results name its streams; ours answer in the same order, which is that in which they were opened.
    private mutating func answer(_ text: ArraySlice<UInt8>, _ now: Instant) {
        guard let test, let theirs = iperfValue(IperfResults.self, text) else {
            return refuse("its results are no JSON that could be understood", now)
        }
        let ours = zip(theirs.streams, test.streams).map {
            IperfResults.Stream(id: $0.id, bytes: $1.bytes, seconds: test.seconds)
        }
        actions.append(.say(test.control, IperfResults(streams: ours).message))
        self.test?.step = .display
        say(.displayResults)
    }

    private mutating func refuse(_ why: String, _ now: Instant) {
        say(.serverTerminate)
        end(why, now)
    }

    private mutating func leaveStreams() {
        guard let streams = test?.streams else { return }
        for stream in streams where !stream.isOver { actions.append(.leave(stream.connection)) }
        for i in streams.indices { test?.streams[i].isOver = true }
    }

    private mutating func end(_ problem: String?, _ now: Instant) {
        if test?.parameters?.isReverse ?? false { leaveStreams() }
        guard let test else { return }
        finished.append(
            IperfTestResult(
                client: test.peer, streams: test.streams.map { IperfStreamResult(peer: $0.peer, bytes: $0.bytes) },
                reverse: test.parameters?.isReverse ?? false, elapsedS: test.seconds, problem: problem))
        actions.append(.shutDown(test.control))
        places = [:]
        self.test = nil
    }
}

/// What one test of iperf3 brought, as this end counted it.
public struct IperfTestResult: Codable, Sendable {
    /// Address and port of the client's control connection.
    public var client: String
    /// The data connections in the order of their opening.
    public var streams: [IperfStreamResult]
    /// Whether this end sent.
    public var reverse: Bool
    /// From the start of the test to its end, in seconds.
    public var elapsedS: Double
    /// Why it is not complete; `nil` when it is.
    public var problem: String?
    /// Bytes over all data connections.
    public var bytes: UInt64 { streams.reduce(0) { $0 + $1.bytes } }
}

/// One data connection of a test.
public struct IperfStreamResult: Codable, Sendable {
    /// Address and port of the other end.
    public var peer: String
    /// Bytes that it brought, or that were handed over to be sent.
    public var bytes: UInt64
}

extension ReceiveResult {
    /// Fills in what tests of iperf3 brought, and judges.
    mutating func finish(_ tests: [IperfTestResult], _ final: EngineReport, wanted: Int) {
        iperf3 = tests
        connections = tests.reduce(0) { $0 + 1 + $1.streams.count }
        transfer.expect(tests.count == wanted, "stopped after \(tests.count) of \(wanted) tests")
        for test in tests {
            if let problem = test.problem { transfer.problems.append("the test of \(test.client) failed: \(problem)") }
        }
        transfer.finish(final)
        transfer.ok = transfer.problems.isEmpty
    }
}
