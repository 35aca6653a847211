import ClientKit
import ControlBench
import Controller
import DeviceMemory
import Engine
import SoftNIC
import TCPLite
import Testing
import Timeline

/// Ports, rules, connections, returns by call.
extension ControllerTests {
    @Test("a port has one listener; what cannot be listened to is refused, and a port comes free again (C.01)")
    func ports() throws {
        let bench = try Bench()
        defer { bench.end() }
        let first = try BenchClient(bench.path, options())
        let second = try BenchClient(bench.path, options())
        #expect(status { try first.session.listen(port: 6000, .shared) } == .done)
        #expect(status { try first.session.listen(port: 6000, .shared) } == .portTaken)
        #expect(status { try second.session.listen(port: 6000, .shared) } == .portTaken)
        #expect(status { try second.session.unlisten(port: 6000) } == .badRequest)
        #expect(status { try second.session.listen(port: 0, .shared) } == .badRequest)
        #expect(status { try first.session.unlisten(port: 6000) } == .done)
        #expect(status { try first.session.unlisten(port: 6000) } == .badRequest)
        #expect(bench.on { $0.controller.engine.ruleCount.used } == 0)
        #expect(status { try second.session.listen(port: 6000, .guaranteed(slots: 8)) } == .done)
        #expect(bench.on { $0.controller.engine.ruleCount.used } == 1)
        let socket = try RawSocket(bench.path)
        #expect(socket.greet() == .done && socket.ask(attach()) == .done)
        for port in [0, 65536, UInt64.max] {
            #expect(socket.ask(message(.listen, port)) == .badRequest)
            #expect(socket.ask(message(.unlisten, port)) == .badRequest)
        }
        #expect(bench.problems().isEmpty)
        extendLifetime(socket)
    }

    @Test("the device's eight rules are refused a ninth time, unless payload may land in host memory (C.01, U.41)")
    func rules() throws {
        let bench = try Bench()
        defer { bench.end() }
        let client = try BenchClient(bench.path, options())
        for port in 6000..<6008 { try client.session.listen(port: UInt16(port), .shared) }
        #expect(status { try client.session.listen(port: 6008, .shared) } == .noRule)
        // Refused means that nobody listens there.
        #expect(status { try client.session.unlisten(port: 6008) } == .badRequest)
        #expect(status { try client.session.listen(port: 6008, .shared, needsRule: false) } == .done)
        #expect(status { try client.session.unlisten(port: 6000) } == .done)
        #expect(status { try client.session.listen(port: 6009, .shared) } == .done)
        #expect(bench.on { $0.controller.engine.ruleCount.used } == 8)
    }

    @Test("a client opens connections; its rules come back when the connections are gone (C.01)")
    func connect() throws {
        let bench = try Bench()
        defer { bench.end() }
        let client = try BenchClient(bench.path, options())
        let peer: UInt32 = 0x0A00_0002
        #expect(status { _ = try client.session.connect(address: peer, port: 0, .shared) } == .badRequest)
        #expect(status { _ = try client.session.connect(address: 0xC0A8_0001, port: 80, .shared) } == .unreachable)
        #expect(
            status { _ = try client.session.connect(address: peer, port: 80, .guaranteed(slots: 1 << 19)) } == .noSlots)
        // More than there are rules, one after the other.
        for round in 1...20 {
            let id = try client.session.connect(address: peer, port: Peer.listeningPort, .shared)
            let opened = client.take { $0.connections.contains(id) }
            #expect(opened, "connection \(round)")
            #expect(bench.on { $0.controller.engine.ruleCount.used } >= 1)
            let asked = client.client.ask(.abort, on: id)
            #expect(asked)
            client.client.flush()
            #expect(bench.waits { !$0.hasConnection(id) }, "connection \(round)")
        }
        #expect(status { try client.session.listen(port: 6000, .shared) } == .done)
        #expect(bench.on { $0.controller.engine.ruleCount.used } == 1)
    }

    @Test(
        "tokens come back by call: no range, one, 128, more; stale, unknown; also after their connection (U.31, G.12, Z.03)"
    )
    func giveBackByCall() throws {
        let bench = try Bench()
        defer { bench.end() }
        var wanted = options()
        wanted.tokensOutliveConnections = true
        let client = try BenchClient(bench.path, wanted, port: 6000)
        bench.on { $0.peer.add(6000) }
        let got = client.take(holding: 300) { $0.tokens.count >= 300 }
        #expect(got)
        bench.on { $0.peer.isSending = false }
        let quiet = client.take(holding: 2000, milliseconds: 50) { _ in false }
        #expect(!quiet)
        // The connection ends; its tokens are the binding's.
        let connection = client.connections[0]
        let left = client.client.ask(.abort, on: connection)
        client.client.flush()
        #expect(left && bench.waits { !$0.hasConnection(connection) })
        let tokens = client.tokens.sorted()
        let held = try client.session.status().tokensOut
        #expect(held == tokens.count)
        var returned = try client.session.giveBack([])
        #expect([returned.freed, returned.stale, returned.unknown] == [0, 0, 0])
        returned = try client.session.giveBack([TokenRange(start: tokens[0], count: 1)])
        #expect([returned.freed, returned.stale, returned.unknown] == [1, 0, 0])
        returned = try client.session.giveBack([
            TokenRange(start: tokens[0], count: 1), TokenRange(start: tokens.last! + 1, count: 2),
            TokenRange(start: 0, count: 1),
        ])
        #expect([returned.freed, returned.stale, returned.unknown] == [0, 1, 3])
        returned = try client.session.giveBack(tokens[1...128].map { TokenRange(start: $0, count: 1) })
        #expect([returned.freed, returned.stale, returned.unknown] == [128, 0, 0])
        let more = tokens[129...].prefix(129).map { TokenRange(start: $0, count: 1) }
        #expect(status { _ = try client.session.giveBack(Array(more)) } == .tooManyRanges)
        client.forgetTokens()
        let after = try client.session.status()
        #expect(after.tokensOut == tokens.count - 129 && after.slots == 1024)
        // Ranges that name everything look at 1024 tokens together, and no more.
        let all = try client.session.giveBack(
            [TokenRange](repeating: TokenRange(start: tokens[0], count: .max), count: 3))
        #expect(all.freed + all.stale + all.unknown <= 1024 && all.freed > 0)
        #expect(bench.problems().isEmpty)
    }

    @Test("a count of ranges that is not that of the message is refused: more, fewer, 129 (U.44, Z.03)")
    func rangesThatDoNotMatch() throws {
        let bench = try Bench()
        defer { bench.end() }
        let socket = try RawSocket(bench.path)
        #expect(socket.greet() == .done && socket.ask(attach()) == .done)
        func ranges(_ count: Int) -> [TokenRange] { (0..<count).map { TokenRange(start: UInt64($0) + 1, count: 1) } }
        #expect(socket.ask(message(.giveBack, 0)) == .done)
        #expect(socket.ask(message(.giveBack, 128), ranges: ranges(128)) == .done)
        #expect(socket.ask(message(.giveBack, 128), ranges: ranges(127)) == .badRequest)
        #expect(socket.ask(message(.giveBack, 1), ranges: ranges(0)) == .badRequest)
        #expect(socket.ask(message(.giveBack, 129), ranges: ranges(129)) == .tooManyRanges)
        #expect(socket.ask(message(.giveBack, .max), ranges: ranges(1)) == .tooManyRanges)
        // Cut off by the receiver's buffer these would be 128.
        #expect(socket.ask(message(.giveBack, 128), ranges: ranges(129)) == .badRequest)
        #expect(socket.ask(message(.giveBack, 128), ranges: ranges(2000)) == .badRequest)
        extendLifetime(socket)
    }

    @Test("a token of one client is nobody else's: named by another it frees nothing (Z.13)")
    func foreignTokens() throws {
        let bench = try Bench()
        defer { bench.end() }
        let first = try BenchClient(bench.path, options(), port: 6000)
        let second = try BenchClient(bench.path, options())
        bench.on { $0.peer.add(6000) }
        let got = first.take(holding: 64) { $0.tokens.count >= 64 }
        #expect(got)
        let stolen = try second.session.giveBack(first.tokens.map { TokenRange(start: $0, count: 1) })
        #expect(stolen.freed == 0 && stolen.unknown == first.tokens.count)
        for token in first.tokens { _ = second.client.giveBack(token) }
        second.client.giveBack(through: .max)
        second.client.flush()
        let others = first.records
        // Nor is its memory: the record names a region that the other does not have.
        #expect(others.allSatisfy { second.session.payload($0) == nil })
        let held = try first.session.status().tokensOut
        #expect(held >= 64 && bench.problems().isEmpty)
        let good = others.allSatisfy { first.isGood($0) }
        #expect(good)
    }

    @Test("three ways back, mixed at random on one binding, count every token once (G.12, C.22)")
    func threeWays() throws {
        let bench = try Bench()
        defer { bench.end() }
        let client = try BenchClient(bench.path, options(), port: 6000)
        bench.on { $0.peer.add(6000) }
        var byCall = 0
        for round in 0..<60 {
            let got = client.take(holding: 200) { $0.tokens.count >= 24 }
            #expect(got)
            guard got else { return }
            switch round % 3 {
            case 0: client.giveBack(downTo: 10)
            case 1: client.client.giveBack(through: client.tokens[client.tokens.count / 2])
            default:
                let ranges = client.tokens.prefix(64).map { TokenRange(start: $0, count: 1) }
                let outcome = try client.session.giveBack(ranges)
                byCall += outcome.freed
                #expect(outcome.unknown == 0)
            }
            client.client.flush()
        }
        bench.on { $0.peer.isSending = false }
        let drained = client.take(milliseconds: 100) { _ in false }
        #expect(!drained)
        client.client.giveBack(through: .max)
        client.client.flush()
        #expect(bench.waits { $0.controller.engine.held(by: 0, now: $0.nic.now).tokens == 0 })
        #expect(byCall > 0 && client.wrong == 0 && bench.problems().isEmpty)
    }
}
