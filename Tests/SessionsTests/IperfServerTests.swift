import DeviceMemory
import Testing
import Timeline

@testable import Sessions

/// iperf3's protocol as a client speaks it, byte by byte.
@Suite struct IperfServerTests {
    /// A client that says what it wants, and hears what it is told.
    final class Client {
        var server: IperfServer
        var now = Instant(nanoseconds: 1_000_000_000)
        var said: [UInt32: [UInt8]] = [:]
        var left: [UInt32] = []
        var shutDown: [UInt32] = []
        let cookie = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8) + [0]

        init(tests: Int = 1) { server = IperfServer(tests: tests) }

        func say(_ connection: UInt32, _ bytes: [UInt8]) {
            let space = HeapBytes(count: bytes.count)
            for (i, byte) in bytes.enumerated() { space.bytes[i] = byte }
            if !server.count(connection, bytes.count) { server.take(connection, space.bytes.readOnly, now: now) }
            extendLifetime(space)
            listen()
        }

        func listen() {
            for action in server.takeActions() {
                switch action {
                case .say(let connection, let bytes): said[connection, default: []] += bytes
                case .leave(let connection): left.append(connection)
                case .shutDown(let connection): shutDown.append(connection)
                }
            }
        }

        func text(_ json: String) -> [UInt8] {
            [0, 0, UInt8(json.utf8.count >> 8), UInt8(json.utf8.count & 255)] + json.utf8
        }

        /// Up to where data flows.
        func begin(_ parameters: String, streams: Int) {
            server.opened(1, peer: "10.0.0.9:1")
            say(1, cookie)
            say(1, text(parameters))
            for i in 0..<streams {
                server.opened(UInt32(10 + i), peer: "10.0.0.9:\(10 + i)")
                say(UInt32(10 + i), cookie)
            }
        }
    }

    @Test(
        "a test of two streams: states in their order, bytes counted by stream, results answered with the client's numbers"
    )
    func forward() {
        let client = Client()
        client.begin(#"{"tcp":true,"omit":0,"time":1,"parallel":2,"len":131072,"client_version":"3.12"}"#, streams: 2)
        #expect(client.said[1] == [9, 10, 1, 2] && client.server.sending == nil)
        client.say(10, [UInt8](repeating: 7, count: 1000))
        client.say(11, [4, 4, 4])
        client.say(10, [UInt8](repeating: 7, count: 24))
        client.now = client.now + .seconds(2)
        client.said = [:]
        client.say(1, [4])
        #expect(client.said[1] == [13])
        client.say(
            1, client.text(#"{"cpu_util_total":1.5,"streams":[{"id":1,"bytes":5000,"jitter":0},{"id":3,"bytes":2}]}"#))
        let answer = Array(client.said[1]!.dropFirst())
        let length = Int(answer[2]) << 8 | Int(answer[3])
        let results = iperfValue(IperfResults.self, answer[4..<4 + length])
        #expect(results?.streams.map(\.id) == [1, 3] && results?.streams.map(\.bytes) == [1024, 3])
        #expect(Array(answer[(4 + length)...]) == [14])
        // The client knows what was counted: what comes now changes nothing.
        client.say(10, [1])
        #expect(!client.server.isDone)
        client.say(1, [16])
        #expect(client.server.isDone && client.shutDown == [1] && client.left.isEmpty)
        let test = client.server.finished[0]
        #expect(test.problem == nil && test.bytes == 1027 && test.elapsedS == 2 && !test.reverse)
        #expect(test.streams.map(\.peer) == ["10.0.0.9:10", "10.0.0.9:11"])
    }

    @Test("messages may come in any pieces: byte by byte it is the same test")
    func pieces() {
        let client = Client()
        client.server.opened(1, peer: "10.0.0.9:1")
        for byte in client.cookie + client.text(#"{"tcp":true,"parallel":1}"#) { client.say(1, [byte]) }
        client.server.opened(10, peer: "10.0.0.9:10")
        for byte in client.cookie { client.say(10, [byte]) }
        #expect(client.said[1] == [9, 10, 1, 2])
        for byte in [4] + client.text(#"{"streams":[{"id":1,"bytes":0}]}"#) + [16] { client.say(1, [byte]) }
        #expect(client.server.isDone && client.server.finished[0].problem == nil)
    }

    @Test("in reverse this end sends until the client has enough, and then holds nothing back")
    func reverse() {
        let client = Client()
        client.begin(#"{"tcp":true,"parallel":2,"reverse":true,"len":8192}"#, streams: 2)
        #expect(client.server.sending?.connections == [10, 11] && client.server.sending?.bytes == 8192)
        let counted = client.server.count(11, 8192)
        #expect(counted)
        client.say(1, [4])
        #expect(client.server.sending == nil && client.left == [10, 11])
        client.say(1, client.text(#"{"streams":[{"id":1,"bytes":0},{"id":3,"bytes":8000}]}"#))
        client.say(1, [16])
        #expect(client.server.finished[0].bytes == 8192 && client.server.finished[0].reverse)
    }

    @Test("whoever comes while a test is running is told so, and the next one is served")
    func busy() {
        let client = Client(tests: 2)
        client.begin(#"{"tcp":true}"#, streams: 1)
        client.server.opened(2, peer: "10.0.0.8:2")
        client.say(2, [UInt8](repeating: 65, count: 37))
        #expect(client.said[2] == [0xFF] && client.shutDown == [2])
        client.say(1, [4])
        client.say(1, client.text(#"{"streams":[{"id":1,"bytes":0}]}"#) + [16])
        #expect(client.server.finished.count == 1 && !client.server.isDone)
        client.server.opened(3, peer: "10.0.0.8:3")
        client.say(3, [UInt8](repeating: 65, count: 37))
        #expect(client.said[3] == [9])
    }

    @Test(
        "what cannot be served or understood ends the test with a reason, and the client is told",
        arguments: [
            #"{"tcp":true,"bidirectional":true}"#, #"{"udp":true}"#, #"{"tcp":true,"parallel":17}"#,
            #"{"tcp":true,"parallel":0}"#, #"{"tcp":true,"parallel":-1}"#, "[]", "", "{",
        ])
    func refusals(_ parameters: String) {
        let client = Client()
        client.begin(parameters, streams: 0)
        #expect(client.said[1] == [9, 11] && client.shutDown == [1])
        #expect(client.server.isDone && client.server.finished[0].problem != nil)
    }

    @Test("states that make no sense, endless messages and a client that is gone end the test, wherever it is")
    func hostile() {
        for words: [UInt8] in [[2], [16], [99], [12]] {
            let client = Client()
            client.begin(#"{"tcp":true}"#, streams: 1)
            client.say(1, words)
            #expect(client.server.isDone && client.server.finished[0].problem != nil)
            client.say(1, [4])
        }
        let client = Client()
        client.server.opened(1, peer: "10.0.0.9:1")
        client.say(1, client.cookie + [0xFF, 0xFF, 0xFF, 0xFF])
        #expect(client.server.finished[0].problem?.contains("4294967295") == true)
        for streams in 0...1 {
            let client = Client()
            client.begin(#"{"tcp":true}"#, streams: streams)
            client.server.ended(1, now: client.now)
            client.listen()
            #expect(client.server.isDone && client.server.finished[0].problem != nil)
        }
    }
}
