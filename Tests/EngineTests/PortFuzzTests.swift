import ClientKit
import DeviceMemory
import PagePool
import Packets
import TCPLite
import Testing
import Timeline

@testable import Engine

/// A port whose client writes what it likes into the shared memory, while the engine goes on delivering.
private struct PortFuzz: ~Copyable {
    private static let shape = ChannelShape(
        recordCapacity: 64, returnCapacity: 32, returnLanes: 3, commandCapacity: 16, linearBytes: 4096, sendBytes: 256)
    private static let slots = 256
    private let memory = HeapBytes(count: ApplicationChannel.bytes(of: PortFuzz.shape))
    private let frame = HeapBytes(count: 200)
    private let channel: ApplicationChannel
    private var port: ApplicationPort
    private var pools: PoolTable
    private var stack: TCPStack
    private var random: SeededGenerator
    private var tails: [UInt32] = [0, 0, 0, 0]
    private var lastToken: UInt64 = 1
    private(set) var entries = 0
    private(set) var issued: UInt64 = 0
    private(set) var returned: UInt64 = 0
    private(set) var refused: UInt64 = 0
    private(set) var badCommands: UInt64 = 0
    private(set) var clients = 1

    init(seed: UInt64) {
        channel = ApplicationChannel(memory.bytes, shape: PortFuzz.shape)
        port = ApplicationPort(channel, configuration: PortConfiguration(tokenLimit: 300))
        pools = PoolTable(
            PagePool(
                identifier: 1,
                provider: MemoryProvider(
                    deviceRegionAt: IOVA(0x1000), slotSize: 4096, slotCount: PortFuzz.slots)))
        stack = TCPStack(
            configuration: Configuration(
                interface: InterfaceConfiguration(
                    mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24)),
            secret: (1, 2))
        random = SeededGenerator(seed: seed)
    }

    // MARK: the engine

    private mutating func deliver() {
        guard port.hasRoom() else { return }
        var fragment: Fragment?
        if random.below(8) != 0, let slot = pools.pools[1].lend() {
            var whole = pools.pools[1].arrive(slot, offset: 0, length: 1000)
            if random.below(4) == 0 {
                // Two tokens on one slot.
                let rest = pools.split(&whole, at: 400)
                port.push(port.announce(whole, 7, nil, &pools, .zero))
                whole = rest
            }
            fragment = consume whole
        }
        let length = Int(random.below(200)) + 1
        _ = port.deliver(
            frame: frame.bytes.readOnly.slice(0, length), headerLength: 54, isVerified: true, fragment: &fragment,
            &pools,
            .zero)
        if let left = fragment.take() { pools.recycle(left) }
    }

    private mutating func turn() {
        _ = port.takeReturns(limit: Int(random.below(256)) + 1, pools: &pools, stack: &stack)
        _ = port.takeCommands(pools: &pools, stack: &stack)
        deliver()
        port.publish()
        port.showCounters()
    }

    // MARK: the client

    private mutating func token() -> UInt64 {
        let next = port.tokens.next
        switch random.below(8) {
        case 0: return random.next()
        case 1: return lastToken
        case 2: return lastToken &+ 1
        case 3: return lastToken &- 1
        case 4: return next &- UInt64(random.below(4))
        case 5: return next &+ UInt64(random.below(2))
        default:
            lastToken = next &- 1 &- UInt64(random.below(300))
            return lastToken
        }
    }

    /// One entry, and the producer's counter moved over it: by one, over what was there before, or not at all.
    private mutating func put(_ ring: MutableByteView, _ which: Int, capacity: UInt32, _ a: UInt64, _ b: UInt64) {
        let position = 128 + Int(tails[which] & (capacity - 1)) * 16
        // Sometimes only what was there before: a replay.
        if random.below(16) != 0 {
            ring.setLE64(position, a)
            ring.setLE64(position + 8, b)
        }
        tails[which] &+= random.below(32) == 0 ? random.below(capacity) : 1
        SharedWord(ring, at: 0).storeReleasing(tails[which])
        entries += 1
    }

    private mutating func scribble() {
        switch random.below(16) {
        case 0...7:
            let lane = Int(random.below(3))
            let count = random.below(6) == 0 ? random.next() : UInt64(random.below(5))
            put(channel.returnRing(lane: lane), lane, capacity: 32, token(), count)
        case 8...11:
            let kind = UInt64(random.below(10) == 0 ? UInt32(truncatingIfNeeded: random.next()) : random.below(9))
            let connection = random.below(2) == 0 ? random.next() : UInt64(random.below(4))
            put(
                channel.commandRing, 3, capacity: 16, kind | connection &<< 32,
                random.below(2) == 0 ? random.next() : UInt64(random.below(300)))
        case 12: channel.linearConsumed.storeReleasing(number(port.linearProduced))
        case 13: channel.consumedThrough.storeReleasing(random.below(64) == 0 ? random.next() : token())
        case 14: channel.sendConsumed.storeReleasing(random.next())
        default:
            // Its counter of records: honest, mostly, or nothing more would be delivered.
            let ring = channel.recordRing
            let produced = SharedWord(ring, at: 0).loadRelaxed()
            SharedWord(ring, at: 64).storeReleasing(
                random.below(8) == 0 ? UInt32(truncatingIfNeeded: random.next()) : produced)
            entries += 1
        }
    }

    private mutating func number(_ right: UInt64) -> UInt64 {
        switch random.below(4) {
        case 0: return random.next()
        case 1: return right &- UInt64(random.below(3))
        default: return right
        }
    }

    /// The client dies; the next one gets the place, zeroed.
    private mutating func replace() {
        issued += port.tokens.next - 1
        let held = port.releaseEverything(&pools)
        returned += port.statistics.tokensReturned + UInt64(held)
        refused += port.statistics.badReturns
        badCommands += port.statistics.badCommands
        memory.bytes.fill(0)
        port = ApplicationPort(channel, configuration: PortConfiguration(tokenLimit: 300))
        tails = [0, 0, 0, 0]
        lastToken = 1
        clients += 1
    }

    /// What is wrong with the books.
    func faults() -> [String] {
        var faults = pools.pools[1].audit().map { "\($0)" }
        let ledger = pools.pools[1].ledger()
        if !ledger.isBalanced { faults.append("the ledger does not balance: \(ledger)") }
        if pools.pools[1].statistics.violations != 0 { faults.append("refused operations on the books") }
        var references = 0
        for slot in 0..<PortFuzz.slots { references += Int(pools.pools[1].holders(of: UInt32(slot)).application) }
        if references != port.tokens.outstanding {
            faults.append("\(port.tokens.outstanding) tokens, and \(references) references")
        }
        let accounted = port.statistics.tokensReturned + UInt64(port.tokens.outstanding)
        if accounted != port.tokens.next - 1 {
            faults.append("\(port.tokens.next - 1) issued, \(accounted) accounted for")
        }
        return faults
    }

    /// Writes at least `count` entries; returns what went wrong first.
    mutating func run(_ count: Int) -> [String] {
        var step = 0
        while entries < count {
            for _ in 0...random.below(4) { scribble() }
            turn()
            step += 1
            if step % 512 == 0 {
                let wrong = faults()
                if !wrong.isEmpty { return wrong.map { "entry \(entries): \($0)" } }
            }
            // A producer's counter that is nonsense ends what that client can say.
            if random.below(400) == 0 {
                let which = Int(random.below(4))
                let ring = which == 3 ? channel.commandRing : channel.returnRing(lane: which)
                SharedWord(ring, at: 0).storeReleasing(UInt32(truncatingIfNeeded: random.next()))
                turn()
                replace()
            }
        }
        let wrong = faults()
        replace()
        let ledger = pools.pools[1].ledger()
        return wrong + (ledger.pool == PortFuzz.slots ? [] : ["not every slot is back: \(ledger)"])
    }
}

@Suite struct PortFuzzTests {
    #if DEBUG
        static let entries = 100_000
    #else
        static let entries = 2_000_000
    #endif

    @Test(
        "random, near, stale and replayed entries and counters in shared memory: no trap, no wrong free, all classified (Z.03, U.44, U.12)",
        arguments: [UInt64(1), 2, 3, 4])
    func fuzz(seed: UInt64) {
        var fuzz = PortFuzz(seed: seed)
        let wrong = fuzz.run(PortFuzzTests.entries / 4)
        #expect(wrong.isEmpty, "seed \(seed)")
        let (issued, returned, refused) = (fuzz.issued, fuzz.returned, fuzz.refused)
        #expect(issued == returned, "seed \(seed)")
        // It was no fuzz of a port that stood still.
        #expect(issued > UInt64(PortFuzzTests.entries / 100) && refused > issued / 10)
        let (commands, clients) = (fuzz.badCommands, fuzz.clients)
        #expect(commands > 100 && clients > 10)
    }
}
