import ClientKit
import ControlBench
import Controller
import DeviceMemory
import Engine
import SoftNIC
import TCPLite
import Testing
import Timeline

/// What clients say that they should not: nothing of it stays, and nobody else notices.
extension ControllerTests {
    @Test(
        "messages cut short, too long, of no operation, with notices' codes: each is counted, none ends the controller (U.44)"
    )
    func badMessages() throws {
        let bench = try Bench()
        defer { bench.end() }
        let socket = try RawSocket(bench.path)
        #expect(socket.greet() == .done)
        let whole = RawSocket.bytes(message(.status, 0))
        for length in [1, 2, 8, 63, 65, 79, 81] {
            let bytes = whole + [UInt8](repeating: 0, count: 32)
            socket.send(Array(bytes.prefix(length)))
        }
        // Each is dropped, and what follows is answered.
        #expect(socket.ask(message(.status, 0)) == .notAttached)
        #expect(bench.on { $0.controller.statistics.badMessages } == 7)
        for code in [0, 11, 0x99, 0x100, 0x101, 0x102, 0x103, 0x104, 0xFFFF] as [UInt16] {
            var strange = message(.status, 0)
            strange.operationCode = code
            #expect(socket.ask(strange) == .badRequest)
        }
        #expect(bench.on { $0.controller.statistics.badMessages } == 16)
        // Far beyond what any message has: cut off by the receiver, and refused for what is left of it.
        let ranges = [TokenRange](repeating: TokenRange(start: 1, count: 1), count: 5000)
        #expect(socket.ask(attach()) == .done)
        #expect(socket.ask(message(.giveBack, 5000), ranges: ranges) == .tooManyRanges)
        extendLifetime(socket)
        // An empty message is how the end of a connection looks: it ends this one.
        let empty = try RawSocket(bench.path)
        #expect(empty.greet() == .done)
        empty.send([])
        #expect(bench.waits { $0.controller.clientCount == 1 })
        #expect(socket.ask(message(.status, 0)) == .done)
        extendLifetime(empty)
    }

    @Test("descriptors that nobody asked for, one or many, with any message: the controller keeps none (U.44)")
    func descriptors() throws {
        let bench = try Bench()
        defer { bench.end() }
        let socket = try RawSocket(bench.path)
        #expect(socket.greet() == .done)
        let memory = makeMemory("stray-descriptor", bytes: 4096)
        let fd = memory.rawValue
        for count in [1, 2, 3, 4, 253] {
            let stray = [Int32](repeating: fd, count: count)
            #expect(socket.ask(message(.status, 0), descriptors: stray) == .notAttached)
            #expect(socket.ask(message(.bind, 0), descriptors: stray) == .notController)
            #expect(socket.ask(attach(slotSize: 1), descriptors: stray) == .slotSize)
            // Refused before anybody looks at the descriptor.
            #expect(socket.ask(attach(.rehome), descriptors: stray) == .notAttached)
            socket.send([1, 2, 3], descriptors: stray)
            var strange = message(.status, 0)
            strange.operationCode = 0x4444
            #expect(socket.ask(strange, descriptors: stray) == .badRequest)
        }
        // With a message of no bytes, which ends the connection.
        let other = try RawSocket(bench.path)
        #expect(other.greet() == .done)
        other.send([], descriptors: [fd, fd])
        #expect(bench.waits { $0.controller.clientCount == 1 })
        #expect(openDescriptors(named: "stray-descriptor") == 1)
        extendLifetime(memory)
        extendLifetime(socket)
        extendLifetime(other)
    }

    @Test("what a client had is closed with it: two hundred come and go, and no descriptor stays (S2.12, A.19)")
    func nothingStays() throws {
        let bench = try Bench()
        defer { bench.end() }
        let before = (
            openDescriptors(named: "memfd:client"), openDescriptors(named: "socket:"), openDescriptors(named: "eventfd")
        )
        for round in 0..<200 {
            var client: BenchClient? = try BenchClient(bench.path, options(slots: 128), port: 6000)
            if round % 3 == 0 { _ = try client?.session.rehome(options(slots: 128)) }
            if round % 5 == 0 { try client?.session.detach() }
            client = nil
            #expect(bench.waits { $0.controller.clientCount == 0 })
        }
        #expect(openDescriptors(named: "memfd:client") == before.0)
        // Other tests of this process have sockets and lines of their own that come and go: two hundred rounds would show.
        #expect(openDescriptors(named: "socket:") < before.1 + 50 && openDescriptors(named: "eventfd") < before.2 + 50)
        #expect(bench.problems().isEmpty)
    }

    @Test("a client that never reads its answers is let go, and holds nobody up (C.01)")
    func neverReads() throws {
        let bench = try Bench()
        defer { bench.end() }
        let other = try BenchClient(bench.path, options(), port: 6000)
        bench.on { $0.peer.add(6000) }
        let socket = try RawSocket(bench.path)
        #expect(socket.greet() == .done && socket.ask(attach()) == .done)
        #expect(bench.on { $0.controller.clientCount } == 2)
        let request = RawSocket.bytes(message(.status, 0))
        let asks = other.take { _ in
            for _ in 0..<64 where !socket.send(request, waits: false) { break }
            return bench.on { $0.controller.clientCount } == 1
        }
        #expect(asks)
        let bytes = other.deviceBytes
        let flows = other.take { $0.deviceBytes > bytes + 100_000 }
        #expect(flows && other.wrong == 0 && bench.problems().isEmpty)
        extendLifetime(socket)
    }

    @Test("a client's own memory holds its payload, and nobody can make it shorter (U.31, U.44)")
    func ownMemory() throws {
        let bench = try Bench()
        defer { bench.end() }
        let own = try MemoryObject(name: "client own", size: 1024 * 2048 + 4096)
        var session = try ClientSession(connectingTo: bench.path)
        let number = try session.attach(options(), own: own)
        try session.listen(port: 6000, .shared)
        bench.on { $0.peer.add(6000) }
        var taken = try session.makeClient()
        var record: FragmentRecord?
        for _ in 0..<5000 where record == nil {
            while let next = taken.next() { if next.kind == .device { record = next } }
            taken.wait(nanoseconds: 1_000_000)
        }
        let found = try #require(record)
        #expect(found.region == number)
        let view = try own.view(rights: .read)
        let mine = view.bytes.readOnly.slice(Int(found.offset), Int(found.length)).array()
        let theirs = session.payload(found)?.readOnly.array()
        #expect(theirs == mine && mine.contains { $0 != 0 })
        extendLifetime(view)
    }

    /// Draws messages that are random, nearly right, or right; with any descriptors.
    private struct Speaker {
        var random: SeededGenerator
        let descriptors: [Int32]

        mutating func say(_ socket: RawSocket) -> Bool {
            var bytes: [UInt8]
            if random.below(8) == 0 {
                bytes = (0..<random.below(200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            } else {
                var message = ControlMessage(.hello)
                let codes = ControlOperation.allCases.map(\.rawValue)
                message.operationCode =
                    random.below(16) == 0
                    ? UInt16(truncatingIfNeeded: random.next()) : codes[Int(random.below(UInt32(codes.count)))]
                message.reference = UInt32(truncatingIfNeeded: random.next()) | 1
                message.operands = (number(), number(), number(), number(), number(), number(), number())
                if message.operation == .hello && random.below(2) == 0 {
                    message.operands.0 = ApplicationChannel.magic
                    message.operands.1 = UInt64(ApplicationChannel.version)
                }
                var ranges: [TokenRange] = []
                if random.below(4) == 0 {
                    for _ in 0..<random.below(140) {
                        ranges.append(TokenRange(start: number(), count: UInt32(truncatingIfNeeded: number())))
                    }
                    if message.operation == .giveBack { message.operands.0 = UInt64(ranges.count) }
                }
                bytes = RawSocket.bytes(message, ranges: ranges)
                if random.below(16) == 0 { bytes.removeLast(Int(random.below(60)) + 1) }
            }
            // An empty message ends the connection: now and then.
            if bytes.isEmpty && random.below(4) != 0 { bytes = [0] }
            let count = random.below(3) == 0 ? Int(random.below(4)) : 0
            let sent = (0..<count).map { _ in descriptors[Int(random.below(UInt32(descriptors.count)))] }
            let isHeard = socket.send(bytes, descriptors: sent)
            // Its answers are read now and then, so that it is let go now and then.
            if random.below(4) != 0 { socket.drop() }
            return isHeard
        }

        private mutating func number() -> UInt64 {
            switch random.below(8) {
            case 0: return random.next()
            case 1: return UInt64(random.below(4))
            case 2: return 2048 &<< UInt64(random.below(12))
            case 3: return UInt64(random.below(1024)) * 2048
            case 4: return 6000 + UInt64(random.below(12))
            case 5: return UInt64(random.below(2048))
            case 6: return .max &- UInt64(random.below(3))
            default: return UInt64(random.below(1 << 22))
            }
        }
    }

    @Test(
        "ten thousand random messages with random descriptors: no trap, no hang, the books balance (Z.03, U.44)",
        arguments: [UInt64(1), 2])
    func fuzz(seed: UInt64) throws {
        let bench = try Bench()
        defer { bench.end() }
        let other = try BenchClient(bench.path, options(), port: 5999)
        bench.on {
            $0.peer.add(5999)
            $0.peer.add(6000)
        }
        let before = openDescriptors(named: "memfd:fuzz")
        let right = makeMemory("fuzz right", bytes: 2 << 20)
        let short = makeMemory("fuzz short", bytes: 4096)
        let unsealed = makeMemory("fuzz unsealed", bytes: 2 << 20, sealed: false)
        let line = makeLine()
        var speaker = Speaker(
            random: SeededGenerator(seed: seed),
            descriptors: [right.rawValue, short.rawValue, unsealed.rawValue, line.rawValue])
        var socket = try? RawSocket(bench.path)
        var sessions = 0
        for i in 0..<5000 {
            if i % 100 == 99 {
                socket = try? RawSocket(bench.path)
                sessions += 1
            }
            if socket == nil { socket = try? RawSocket(bench.path) }
            switch socket {
            case .some(let there):
                if !speaker.say(there) { socket = nil }
                // What is answered is known to have been read.
                if i % 10 == 8 { _ = there.ask(message(.status, 0)) }
            case .none: Issue.record("the controller does not listen any more (seed \(seed), message \(i))")
            }
            if i % 50 == 0 {
                _ = bench.waits { _ in true }
                let bytes = other.deviceBytes
                let flows = other.take { $0.deviceBytes > bytes }
                #expect(flows, "seed \(seed), message \(i)")
            }
            if i % 500 == 0 { #expect(bench.problems().isEmpty, "seed \(seed), message \(i)") }
        }
        socket = nil
        #expect(bench.waits { $0.controller.clientCount == 1 })
        #expect(other.wrong == 0 && bench.problems().isEmpty && sessions == 50)
        #expect(openDescriptors(named: "memfd:fuzz") == before + 3)
        let counted = bench.on { $0.controller.statistics }
        #expect(counted.badMessages > 100 && counted.refused > 2000 && counted.died >= 50, "\(counted)")
        extendLifetime(right)
        extendLifetime(short)
        extendLifetime(unsealed)
        extendLifetime(line)
    }

    @Test("a client that scribbles over its rings while they are in use harms nobody but itself (Z.03, U.44, G.03)")
    func scribbling() throws {
        let bench = try Bench()
        defer { bench.end() }
        let other = try BenchClient(bench.path, options(), port: 6001)
        bench.on {
            $0.peer.add(6000)
            $0.peer.add(6001)
        }
        var random = SeededGenerator(seed: 3)
        for round in 0..<10 {
            var client: BenchClient? = try BenchClient(bench.path, options(), port: 6000)
            let got = client?.take(holding: 100) { $0.tokens.count >= 50 } ?? false
            #expect(got)
            guard let channel = client?.session.channel() else { continue }
            let rings = (0..<channel.shape.returnLanes).map { channel.returnRing(lane: $0) } + [channel.commandRing]
            for _ in 0..<2000 {
                let ring = rings[Int(random.below(UInt32(rings.count)))]
                ring.setLE64(
                    128 + Int(random.below(256)) * 8, random.below(2) == 0 ? random.next() : UInt64(random.below(4096)))
                switch random.below(32) {
                case 0: SharedWord(ring, at: 0).storeReleasing(UInt32(truncatingIfNeeded: random.next()))
                case 1: channel.consumedThrough.storeReleasing(random.next())
                case 2: channel.linearConsumed.storeReleasing(random.next())
                case 3: channel.sendConsumed.storeReleasing(random.next())
                case 4: SharedWord(channel.recordRing, at: 64).storeReleasing(UInt32(truncatingIfNeeded: random.next()))
                default:
                    let tail = SharedWord(ring, at: 0)
                    tail.storeReleasing(tail.loadRelaxed() &+ random.below(3))
                }
            }
            let bytes = other.deviceBytes
            let flows = other.take { $0.deviceBytes > bytes + 100_000 }
            #expect(flows && other.wrong == 0, "round \(round)")
            #expect(bench.problems().isEmpty, "round \(round)")
            client = nil
            #expect(bench.waits { $0.controller.clientCount == 1 })
        }
        #expect(bench.problems().isEmpty)
    }
}
