internal import Timeline

/// How hard something is made: most scenarios have a few impairments, and few have many.
private enum Level {
    case off, mild, hard
}

extension SeededGenerator {
    fileprivate mutating func upTo(_ most: Int) -> Int { most <= 0 ? 0 : Int(below(UInt32(most) + 1)) }
    fileprivate mutating func between(_ least: Int, _ most: Int) -> Int { least + upTo(most - least) }
    fileprivate mutating func once(in n: Int) -> Bool { below(UInt32(n)) == 0 }
    fileprivate mutating func pick<T>(_ choices: [T]) -> T { choices[Int(below(UInt32(choices.count)))] }

    fileprivate mutating func level() -> Level {
        let x = below(100)
        return x < 60 ? .off : x < 88 ? .mild : .hard
    }

    fileprivate mutating func millionths(_ mild: ClosedRange<Int>, _ hard: ClosedRange<Int>) -> Int {
        switch level() {
        case .off: 0
        case .mild: between(mild.lowerBound, mild.upperBound)
        case .hard: between(hard.lowerBound, hard.upperBound)
        }
    }
}

extension Scenario {
    /// The scenario of a seed.
    package init(seed: UInt64) {
        self.init()
        self.seed = seed
        var random = SeededGenerator(seed: seed, stream: 1)
        lines = [LinePlan(drawing: &random), LinePlan(drawing: &random)]
        if random.once(in: 3) {
            lines[1].delay = lines[0].delay
            lines[1].byteTime = lines[0].byteTime
        }
        if random.once(in: 8) {
            let silence = Silence(from: random.upTo(3_000_000), length: random.between(100_000, 20_000_000))
            for i in 0...1 where i == 0 || random.once(in: 2) { lines[i].silences.append(silence) }
        }
        stations = [StationPlan(drawing: &random), StationPlan(drawing: &random)]
        let count = random.once(in: 2) ? 1 : random.between(1, 4)
        flows = (0..<count).map { _ in FlowPlan(drawing: &random) }
        for i in 0...1 {
            stations[i].guarantee = min(stations[i].guarantee, stations[i].slots / max(count, 1) * 3 / 4)
        }
        healsAt = random.between(20, 90) * 1_000_000
        // Apart from the rest, so that a seed is otherwise what it was.
        var family = SeededGenerator(seed: seed, stream: 3)
        isIPv6 = family.once(in: 3)
        if isIPv6 {
            // What every link carries (RFC 8200, section 5).
            for i in 0...1 {
                stations[i].mtu = max(stations[i].mtu, 1280)
                lines[i].mtu = max(lines[i].mtu, 1280)
            }
        }
        var placing = SeededGenerator(seed: seed, stream: 4)
        for i in 0...1 where placing.once(in: 3) { stations[i].place(drawing: &placing) }
        // What takes many thousand segments shows no more than what takes hundreds.
        let most = min(stations[0].mtu, stations[1].mtu, lines[0].mtu, lines[1].mtu) * 300
        for i in flows.indices { for end in 0...1 { flows[i].ends[end].bytes = min(flows[i].ends[end].bytes, most) } }
        if random.once(in: 6) { liar = Lie.draw(&random) }
        // Positions of a liar's would count from the SYN of a connection before.
        if liar != nil { stations[1].wraps = false }
        if liar != nil { flows = [flows[0]] }
        // The scripted peer speaks IPv4.
        if liar != nil { isIPv6 = false }
        // What a liar sends is not what its stream has there.
        if liar == nil && placing.once(in: 6) {
            stations[1].relay(drawing: &placing)
            // An application that waits until it can send on hears nothing of its other connections meanwhile.
            flows = [flows[0]]
            flows[0].ends[1].bytes = 0
            flows[0].ends[1].ending = .afterPeer
            if flows[0].ends[0].ending == .afterPeer { flows[0].ends[0].ending = .shutdown }
        }
    }
}

extension LinePlan {
    fileprivate init(drawing random: inout SeededGenerator) {
        loss = random.millionths(500...20_000, 50_000...200_000)
        burst = random.millionths(200...2_000, 3_000...10_000)
        burstLength = random.between(2, 20)
        reorder = random.millionths(1_000...30_000, 100_000...400_000)
        reorderDelay = random.pick([20, 100, 1_000, 20_000, 300_000])
        duplicate = random.millionths(500...20_000, 50_000...300_000)
        corruptHeader = random.millionths(200...5_000, 10_000...50_000)
        corruptPayload = random.millionths(200...5_000, 10_000...50_000)
        delay = random.pick([5, 50, 50, 500, 5_000, 40_000, 150_000])
        byteTime = random.pick([1, 8, 8, 80, 800, 8_000])
        if random.once(in: 4) { queue = random.between(8, 64) << 10 }
        if random.once(in: 10) { mtu = random.between(576, 1400) }
    }
}

extension StationPlan {
    fileprivate init(drawing random: inout SeededGenerator) {
        layout = random.pick([.split, .split, .late, .buffered, .whole])
        boundary = layout == .late ? random.pick([1, 7, 64, 255, 256, 257, 700]) : random.between(60, 256)
        unverified = random.millionths(10_000...200_000, 1_000_000...1_000_000)
        if random.once(in: 5) { mtu = random.pick([128, 256, 576, 1400, 4000]) }
        if random.once(in: 3) { coalescing = random.pick([20, 100, 1_000]) }
        burst = random.pick([1, 4, 32, 64])
        slots = random.pick([32, 96, 192, 400])
        guarantee = random.pick([8, 24, 48, 120])
        isShared = random.once(in: 4)
        blocks = random.pick([128, 512, 1024])
        linearBytes = random.pick([8, 32, 64, 256]) << 10
        sendBuffer = random.pick([4, 16, 64]) << 10
        ranges = random.pick([4, 16, 64, 256])
        output = random.pick([4, 16, 64, 256])
        scale = random.pick([0, 2, 7, 7, 14])
        timestamps = !random.once(in: 4)
        sack = !random.once(in: 4)
        nagle = !random.once(in: 3)
        offload = random.once(in: 4)
        delayedACK = random.pick([1_000, 40_000, 40_000, 200_000])
        initialWindow = random.pick([1, 2, 10, 10])
        acknowledgeEvery = random.pick([1, 2, 2, 4])
        isCubic = random.once(in: 3)
        wraps = random.once(in: 4)
        switch random.level() {
        case .off: break
        case .mild:
            readEvery = random.between(100, 5_000)
            readRecords = random.pick([0, 4, 16])
        case .hard:
            readEvery = random.between(5_000, 200_000)
            readRecords = random.pick([4, 16, 64])
        }
        if random.once(in: 4) { demand = random.pick([7, 100, 1_000, 8_192, 60_000]) }
        if random.once(in: 4) { hold = random.pick([1, 4, 16, 64]) }
        if random.once(in: 8) {
            sleepAfter = random.upTo(60_000)
            sleep = random.between(100_000, 30_000_000)
        }
    }
}

extension StationPlan {
    /// Some of what is written lies in device memory.
    fileprivate mutating func place(drawing random: inout SeededGenerator) {
        placed = random.pick([200_000, 500_000, 1_000_000])
        placedSlots = random.pick([2, 8, 32, Outward.mostSlots])
        carry(drawing: &random)
    }

    /// What is received is sent back.
    fileprivate mutating func relay(drawing random: inout SeededGenerator) {
        relays = true
        carry(drawing: &random)
    }

    private mutating func carry(drawing random: inout SeededGenerator) {
        offload = true
        placedRuns = random.pick([4, 64, 1024])
        segmentation = random.once(in: 2)
        release = random.pick([0, 0, 20, 1_000, 50_000])
    }
}

extension FlowPlan {
    fileprivate init(drawing random: inout SeededGenerator) {
        ends = [EndPlan(drawing: &random), EndPlan(drawing: &random)]
        // Two that wait for each other would wait for ever.
        if ends[0].ending == .afterPeer && ends[1].ending == .afterPeer { ends[0].ending = .shutdown }
        isSimultaneous = random.once(in: 10)
        opensAt = random.pick([0, 0, 100, 20_000])
    }
}

extension EndPlan {
    fileprivate init(drawing random: inout SeededGenerator) {
        switch random.below(10) {
        case 0, 1, 2: bytes = random.upTo(3_000)
        case 3: bytes = 0
        case 4, 5, 6, 7: bytes = random.between(3_000, 50_000)
        default: bytes = random.between(50_000, 150_000)
        }
        if random.once(in: 4) {
            write = random.pick([1, 100, 536, 1460, 3_000])
            writeEvery = random.pick([0, 50, 2_000, 50_000])
            if write * 400 < bytes { bytes = write * random.between(50, 400) }
        }
        ending = random.pick([.shutdown, .shutdown, .shutdown, .afterPeer, .leave])
        if random.once(in: 10) { ending = random.pick([.abort, .depart]) }
    }
}
