import ClientKit
import ControlBench
import Controller
import DeviceMemory
import Engine
import Glibc
import SoftNIC
import TCPLite
import Testing
import Timeline

/// What comes back, and who is told: clients that die, controllers that end, devices that are reset.
extension ControllerTests {
    /// Waits until the controller has nobody at place `owner`.
    private func isVacant(_ bench: Bench, _ owner: Int) -> Bool {
        bench.waits { !$0.controller.engine.isPortOpen(owner) }
    }

    @Test("what a client that died held is the next one's: port, rule, queue, every slot (S2.12, S2.18, C.01, G.03)")
    func death() throws {
        let bench = try Bench()
        defer { bench.end() }
        bench.on { $0.peer.add(6000) }
        let other = try BenchClient(bench.path, options(), port: 6001)
        bench.on { $0.peer.add(6001) }
        let before = other.take { $0.deviceBytes > 100_000 }
        #expect(before)
        let capacity = 1024 - Bench.descriptors
        var most: [Int] = []
        for round in 0..<3 {
            // It takes all that it can and returns nothing: its share is used up, and no more arrives.
            var hoarder: BenchClient? = try BenchClient(
                bench.path, options(), port: 6000, .guaranteed(slots: capacity - 16))
            var before = -1
            while let count = hoarder?.tokens.count, count > before {
                before = count
                _ = hoarder?.take(holding: .max, milliseconds: 400) { $0.tokens.count >= count + 500 }
            }
            let out = try hoarder?.session.status().tokensOut ?? 0
            #expect(out >= capacity * 85 / 100, "round \(round)")
            most.append(out)
            #expect(status { try other.session.listen(port: 6000, .shared) } == .portTaken)
            hoarder = nil
            #expect(isVacant(bench, 1))
            #expect(bench.on { $0.controller.engine.bindings(now: $0.nic.now).count } == 1)
            #expect(bench.on { $0.controller.engine.ruleCount.used } == 1)
            #expect(bench.problems().isEmpty)
        }
        // Each gets as much as the first one did.
        #expect((most.max() ?? 0) - (most.min() ?? 0) <= 2)
        #expect(bench.on { $0.controller.statistics.tokensReclaimed } == UInt64(most.reduce(0, +)))
        #expect(status { try other.session.listen(port: 6000, .shared) } == .done)
        let bytes = other.deviceBytes
        let goesOn = other.take { $0.deviceBytes > bytes + 100_000 }
        #expect(goesOn && other.wrong == 0)
    }

    @Test("a client that hoards exhausts what is its own, is told so, and holds nobody else up (S2.16, Z.04)")
    func hoarding() throws {
        let bench = try Bench()
        defer { bench.end() }
        let hoarder = try BenchClient(bench.path, options(slots: 256), port: 6000)
        let other = try BenchClient(bench.path, options(), port: 6001)
        bench.on {
            $0.peer.add(6000)
            $0.peer.add(6001)
        }
        _ = hoarder.take(holding: .max, milliseconds: 2000) { $0.events.contains(.exhausted) || $0.tokens.count >= 180 }
        let bytes = other.deviceBytes
        let flows = other.take { $0.deviceBytes > bytes + 1_000_000 }
        #expect(flows && other.wrong == 0)
        let held = try hoarder.session.status()
        #expect(held.tokensOut >= 100 && held.tokensOut <= 512 && held.oldestAge > 0)
        let free = try other.session.status()
        #expect(free.slotsFree > 0)
        // The age that the books tell is that of the oldest token.
        let later = try hoarder.session.status()
        #expect(later.oldestAge > held.oldestAge)
        hoarder.giveBack(downTo: 0)
        hoarder.client.flush()
        let more = hoarder.deviceBytes
        let again = hoarder.take { $0.deviceBytes > more + 100_000 }
        #expect(again && hoarder.wrong == 0 && bench.problems().isEmpty)
    }

    @Test("a reset of the device by somebody else: clients are told, connections and regions go on (C.01, S2.19)")
    func deviceReset() throws {
        let bench = try Bench()
        defer { bench.end() }
        let client = try BenchClient(bench.path, options(), port: 6000)
        bench.on { $0.peer.add(6000) }
        for round in 1...2 {
            let bytes = client.deviceBytes
            let flows = client.take(holding: 20) { $0.deviceBytes > bytes + 100_000 }
            #expect(flows)
            bench.on { $0.nic.reset() }
            let told = client.take(holding: 20) { $0.events.count { $0 == .deviceReset } == round }
            #expect(told, "reset \(round)")
        }
        let bytes = client.deviceBytes
        let goesOn = client.take(holding: 20) { $0.deviceBytes > bytes + 1_000_000 }
        #expect(goesOn && client.wrong == 0 && client.connections.count == 1 && client.closed.isEmpty)
        #expect(bench.on { $0.controller.engine.report().binding.reestablished } == 2)
        #expect(bench.problems().isEmpty)
    }

    @Test(
        "a controller that ends says goodbye, one that vanishes does not: both are a typed end for its clients (S2.19)")
    func controllerEnds() throws {
        for isOrderly in [true, false] {
            let bench = try Bench()
            let client = try BenchClient(bench.path, options(), port: 6000)
            bench.on { $0.peer.add(6000) }
            let got = client.take(holding: 50) { $0.tokens.count >= 50 }
            #expect(got)
            let socket = try RawSocket(bench.path)
            #expect(socket.greet() == .done)
            if isOrderly { bench.shutDown() } else { bench.vanish() }
            #expect(socket.next()?.operation == (isOrderly ? .goodbye : nil))
            try client.session.takeNotices()
            let isOver = client.session.isOver
            #expect(isOver)
            #expect(throws: ClientError.controllerGone) { _ = try client.session.status() }
            // What it has mapped is still its own to read.
            let good = client.records.allSatisfy { client.isGood($0) }
            #expect(good && client.wrong == 0)
            #expect(throws: ClientError.self) { _ = try ClientSession(connectingTo: bench.path) }
            bench.end()
            extendLifetime(socket)
        }
    }

    @Test("a region is given back and asked for again over one session: numbers used again name the new memory")
    func detachAndAttach() throws {
        let bench = try Bench()
        defer { bench.end() }
        var session = try ClientSession(connectingTo: bench.path)
        let first = try session.attach(options())
        let record = FragmentRecord(.device, connection: 0, token: 1, offset: 4096, length: 8, region: first)
        session.payload(record)?.fill(0xEE)
        try session.detach()
        let isGone = session.payload(record) == nil
        #expect(isGone)
        let second = try session.attach(options())
        #expect(second == first)
        // Not the bytes that were written to the old one; those of a posted slot are the model's, others zero.
        let bytes = session.payload(record)?.readOnly.array()
        #expect(bytes != nil && bytes != [UInt8](repeating: 0xEE, count: 8))
        #expect(bench.problems().isEmpty)
    }

    @Test("a region's number is not used again before its client knows that the old one is gone")
    func numbersAgain() throws {
        let bench = try Bench()
        defer { bench.end() }
        let socket = try RawSocket(bench.path)
        #expect(socket.greet() == .done && socket.ask(attach(bytes: 2 << 20)) == .done)
        #expect(socket.ask(message(.listen, 6000)) == .done)
        bench.on { $0.peer.add(6000) }
        #expect(bench.waits { $0.controller.engine.held(by: 0, now: $0.nic.now).tokens > 10 })
        bench.on { $0.peer.isSending = false }
        #expect(socket.ask(attach(.rehome, bytes: 2 << 20)) == .done)
        let numbers = bench.on { bench in bench.controller.engine.bindings(now: bench.nic.now).map(\.number) }
        #expect(numbers == [1, 2])
        // In one turn: the last token of the old region comes back, it is freed, and a request takes its number.
        var request = attach(.rehome, bytes: 2 << 20)
        request.reference = 99
        bench.holds {
            socket.send(RawSocket.bytes(request))
        } then: { bench in
            _ = bench.controller.engine.giveBack([TokenRange(start: 1, count: .max)], owner: 0)
            bench.nic.now = bench.nic.now + .milliseconds(2)
            _ = bench.controller.poll(now: bench.nic.now)
        }
        var told: [ControlOperation?] = []
        while let message = socket.next() {
            told.append(message.operation)
            if message.reference == 99 {
                #expect(message.status == .done && message.operands.0 == 1)
                break
            }
        }
        #expect(told == [.regionGone, .region, .rehome])
        #expect(bench.problems().isEmpty)
        extendLifetime(socket)
    }

    @Test("regions that wait for one token each are listed, and their number is bounded (A.19)")
    func draining() throws {
        let bench = try Bench()
        defer { bench.end() }
        let client = try BenchClient(bench.path, options(slots: 256), port: 6000)
        bench.on { $0.peer.add(6000) }
        var kept: [UInt64] = []
        var refused: ControlStatus?
        for round in 1...9 {
            let present = client.region
            let has = client.take(holding: 1000) { $0.records.contains { $0.region == present } }
            #expect(has)
            if let record = client.records.first(where: { $0.region == present }) { kept.append(record.token) }
            let others = client.tokens.filter { !kept.contains($0) }
            client.forgetTokens()
            for token in others { _ = client.client.giveBack(token) }
            client.client.flush()
            refused = status { client.region = try client.session.rehome(options(slots: 256)) }
            if round <= 8 { #expect(refused == .done) }
        }
        #expect(refused == .tooManyDraining)
        let listed = try client.session.status().drainingRegions
        #expect(listed == 8)
        let states = bench.on { bench in
            bench.controller.engine.bindings(now: bench.nic.now).map { ($0.owner, $0.state == .draining, $0.age > 0) }
        }
        #expect(states.count == 9 && states.allSatisfy { $0.0 == 0 && $0.2 } && states.count { $0.1 } == 8)
        for token in kept { _ = client.client.giveBack(token) }
        client.client.flush()
        #expect(bench.waits { $0.controller.engine.bindings(now: $0.nic.now).count == 1 })
        #expect(status { client.region = try client.session.rehome(options(slots: 256)) } == .done)
        #expect(bench.problems().isEmpty)
    }

    @Test(
        "a client without any privilege, as another user, works through the socket alone (S2.17, S3.05, A.17, U.31)",
        .enabled(if: getuid() == 0, "only root can start a client as another user"))
    func anotherUser() throws {
        var options = BenchOptions()
        options.socketMode = 0o666
        let bench = try Bench(options)
        defer { bench.end() }
        bench.on { $0.peer.add(6100) }
        let child = try #require(startVictim(socket: bench.path, port: 6100, user: 65534))
        // A victim checks the sums of what it gets, and ends by itself when one is wrong.
        #expect(bench.waits { $0.controller.engine.report().delivery.deviceBytes > 1_000_000 })
        #expect(bench.on { $0.controller.isClient(child) })
        #expect(userOf(child) == 65534)
        #expect(endOf(child, waits: false) == nil)
        kill(child, SIGKILL)
        #expect(endOf(child, waits: true) == 128 + SIGKILL)
        #expect(isVacant(bench, 0))
        #expect(bench.problems().isEmpty)
    }
}
