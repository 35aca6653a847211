import ClientKit
import ControlBench
import Controller
import DeviceMemory
import Engine
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

/// A controller in one thread, its clients in another. One at a time: some count descriptors of this process.
@Suite(.serialized) struct ControllerTests {
    /// How a request went.
    func status(_ body: () throws -> Void) -> ControlStatus? {
        do {
            try body()
            return .done
        } catch ClientError.refused(let status) {
            return status
        } catch {
            return nil
        }
    }

    /// A region of `slots` slots of 2 KiB.
    func options(slots: Int = 1024) -> AttachOptions {
        var options = AttachOptions()
        options.slotSize = 2048
        options.regionBytes = slots * 2048
        return options
    }

    /// A request of attach or rehome, as it stands in a message.
    func attach(
        _ operation: ControlOperation = .attach, slotSize: UInt64 = 2048, bytes: UInt64 = 1 << 20
    ) -> ControlMessage {
        var message = ControlMessage(operation)
        message.operands.0 = slotSize
        message.operands.1 = bytes
        return message
    }

    func message(_ operation: ControlOperation, _ a: UInt64, _ b: UInt64 = 0, _ c: UInt64 = 0) -> ControlMessage {
        var message = ControlMessage(operation)
        message.operands.0 = a
        message.operands.1 = b
        message.operands.2 = c
        return message
    }

    // MARK: greeting

    @Test("a greeting with another magic or version is refused, and nothing is given before a right one (C.01, U.44)")
    func greeting() throws {
        let bench = try Bench()
        defer { bench.end() }
        let socket = try RawSocket(bench.path)
        #expect(socket.ask(attach()) == .badRequest)
        #expect(socket.ask(message(.hello, 1, UInt64(ApplicationChannel.version))) == .badVersion)
        #expect(socket.ask(message(.hello, ApplicationChannel.magic, 1)) == .badVersion)
        #expect(socket.ask(attach()) == .badRequest)
        #expect(socket.greet() == .done)
        #expect(socket.ask(attach()) == .done)
        #expect(bench.on { $0.controller.statistics.refused } == 4)
        extendLifetime(socket)
    }

    @Test("a client beyond those that fit is told so, and one beyond the doorway finds it closed (A.19)")
    func tooMany() throws {
        var options = BenchOptions()
        options.clients = 2
        let bench = try Bench(options)
        defer { bench.end() }
        let first = try BenchClient(bench.path, self.options())
        var second: ClientSession? = try ClientSession(connectingTo: bench.path)
        #expect(status { _ = try ClientSession(connectingTo: bench.path) } == .tooManyClients)
        // One place is free again, and the queue that was its client's too.
        second = nil
        #expect(bench.waits { $0.controller.clientCount == 1 })
        second = try ClientSession(connectingTo: bench.path)
        let third = try second?.attach(self.options())
        #expect(third != nil && third != first.region)
        var waiting: [RawSocket] = []
        for _ in 0..<8 { waiting.append(try RawSocket(bench.path)) }
        #expect(bench.waits { $0.controller.clientCount == 10 })
        #expect(throws: ClientError.self) { _ = try ClientSession(connectingTo: bench.path) }
        waiting = []
        #expect(bench.waits { $0.controller.clientCount == 2 })
        let works = try first.session.status().slots
        #expect(works == 1024)
    }

    // MARK: regions

    @Test("each region that cannot be is refused with its reason, and nothing of it stays (U.41, U.44, A.11)")
    func attachRefusals() throws {
        let bench = try Bench()
        defer { bench.end() }
        let before = openDescriptors(named: "memfd:client")
        let socket = try RawSocket(bench.path)
        #expect(socket.greet() == .done)
        let size: UInt64 = 1 << 20
        for slotSize in [0, 1024, 2049, 3000, 4 << 20, UInt64.max] as [UInt64] {
            #expect(socket.ask(attach(slotSize: slotSize)) == .slotSize)
        }
        // The model's 82576 takes buffers of whole kilobytes up to 127 KiB: larger slots are the binding's refusal.
        for bytes in [0, 2048, 64 * 2048, 80 * 2048] as [UInt64] {
            #expect(socket.ask(attach(bytes: bytes)) == .regionTooSmall)
        }
        for bytes in [65 << 20, 1 << 62, UInt64.max] as [UInt64] {
            #expect(socket.ask(attach(bytes: bytes)) == .noMemory)
        }
        let unsealed = makeMemory("client own", bytes: Int(size) + 4096, sealed: false)
        #expect(socket.ask(attach(), descriptors: [unsealed.rawValue]) == .notSealed)
        // One page too short: there is no room for the page by which arrival is proven.
        let short = makeMemory("client own", bytes: Int(size))
        #expect(socket.ask(attach(), descriptors: [short.rawValue]) == .tooShort)
        let line = makeLine()
        #expect(socket.ask(attach(), descriptors: [line.rawValue]) == .badDescriptor)
        let right = makeMemory("client own", bytes: Int(size) + 4096)
        let reading = readOnly(right)
        let refused = socket.ask(attach(), descriptors: [reading.rawValue])
        #expect(refused == .noMemory)
        #expect(
            bench.on { $0.controller.engine.bindings(now: $0.nic.now).isEmpty && $0.controller.engine.freeQueue == 1 }
        )
        // What was refused left nothing behind: these are the test's own.
        #expect(openDescriptors(named: "memfd:client") - before == 4)
        #expect(socket.ask(attach(), descriptors: [right.rawValue]) == .done)
        #expect(socket.ask(attach()) == .attachedAlready)
        #expect(bench.problems().isEmpty)
        extendLifetime(unsealed)
        extendLifetime(short)
        extendLifetime(line)
        extendLifetime(reading)
        extendLifetime(right)
        extendLifetime(socket)
    }

    @Test("no queue left is said so, and one comes free with its client (U.41)")
    func noQueue() throws {
        var options = BenchOptions()
        options.clients = 2
        let bench = try Bench(options)
        defer { bench.end() }
        let first = try BenchClient(bench.path, self.options())
        #expect(bench.on { $0.controller.engine.freeQueue } == 2)
        let second = try BenchClient(bench.path, self.options())
        #expect(bench.on { $0.controller.engine.freeQueue } == nil)
        try first.session.detach()
        #expect(bench.on { $0.controller.engine.freeQueue } == 1)
        let refused = status { try first.session.detach() }
        #expect(refused == .notAttached)
        let slots = try second.session.status().slots
        #expect(slots == 1024 && bench.problems().isEmpty)
    }

    @Test(
        "everything that needs a region is refused without one, and to bind is nobody's but the controller's (S2.17, S3.05)"
    )
    func withoutRegion() throws {
        let bench = try Bench()
        defer { bench.end() }
        let socket = try RawSocket(bench.path)
        #expect(socket.greet() == .done)
        for operation in [ControlOperation.listen, .connect, .giveBack, .status, .detach] {
            #expect(socket.ask(message(operation, operation == .giveBack ? 0 : 5000, 80)) == .notAttached)
        }
        #expect(socket.ask(attach(.rehome)) == .notAttached)
        #expect(socket.ask(message(.unlisten, 5000)) == .badRequest)
        #expect(socket.ask(message(.bind, 1)) == .notController)
        #expect(socket.ask(attach()) == .done)
        #expect(socket.ask(message(.bind, 1)) == .notController)
        extendLifetime(socket)
    }

    @Test("another region takes over with connections, and what is held of the old one stays readable (S2.19, U.31)")
    func rehome() throws {
        let bench = try Bench()
        defer { bench.end() }
        let client = try BenchClient(bench.path, options(), port: 6000)
        bench.on { $0.peer.add(6000) }
        let got = client.take(holding: 40) { $0.tokens.count >= 40 }
        #expect(got)
        let old = client.region
        let held = client.records
        let new = try client.session.rehome(options(slots: 512))
        #expect(new != old)
        let moved = client.take(holding: 80) { $0.records.contains { $0.region == new } }
        #expect(moved && client.wrong == 0 && client.connections.count == 1 && client.closed.isEmpty)
        #expect(client.events.contains(.rehomed))
        let stillGood = held.allSatisfy { client.isGood($0) }
        #expect(stillGood)
        let draining = try client.session.status()
        #expect(draining.drainingRegions == 1 && draining.binding == new && draining.slots == 512)
        // The old region goes with its last token, and the client is told.
        let flows = client.take { !$0.records.contains { $0.region == old } }
        #expect(flows)
        let gone = client.take { $0.session.payload(held[0]) == nil }
        #expect(gone)
        #expect(bench.waits { $0.controller.engine.ledger(ofRegion: old) == nil })
        #expect(client.wrong == 0 && bench.problems().isEmpty)
        let rest = try client.session.status().drainingRegions
        #expect(rest == 0)
    }
}
