internal import Simulation
internal import Synchronization

/// Two stacks, or one and a peer that lies, and what becomes of every frame between them, as the input says.
///
/// The input is read as a scenario of the simulation, so that its rules see everything: the wire, both applications, the books.
enum PairTarget {
    private static let workspace = Mutex(Workspace())

    static func run(_ input: inout FuzzInput) throws(Finding) {
        let scenario = Scenario(decoding: &input)
        let failure = workspace.withLock { Simulator.run(scenario, $0).failure }
        if let failure { throw Finding("\(failure)\n\(scenario.script)") }
    }
}

extension Scenario {
    /// Every input is a scenario that ends.
    fileprivate init(decoding input: inout FuzzInput) {
        self.init()
        let shape = input.byte()
        seed = UInt64(input.byte())
        stations = [StationPlan(decoding: &input), StationPlan(decoding: &input)]
        flows = (0..<(shape & 3 == 3 ? 2 : 1)).map { _ in FlowPlan(decoding: &input) }
        for i in 0...1 { stations[i].guarantee = min(stations[i].guarantee, stations[i].slots / flows.count * 3 / 4) }
        lines = [LinePlan(decoding: &input), LinePlan(decoding: &input)]
        healsAt = 30_000_000
        place(shape)
        if seed & 0x80 != 0 && shape & 0x0C != 0x0C {
            isIPv6 = true
            for i in 0...1 {
                stations[i].mtu = max(stations[i].mtu, 1280)
                lines[i].mtu = max(lines[i].mtu, 1280)
            }
        }
        if shape & 0x0C == 0x0C {
            liar = (0..<48).compactMap { _ in input.isEmpty ? nil : Lie(decoding: &input) }
            stations[1].wraps = false
            flows = [flows[0]]
            flows[0].isSimultaneous = false
            return
        }
        if shape & 0x80 != 0 { relay() }
        var faults: [[Fault]] = [[], []]
        var frames = [0, 0]
        while !input.isEmpty && faults[0].count + faults[1].count < 100 {
            let (what, value) = (input.byte(), input.byte())
            let line = Int(what & 1)
            frames[line] += Int(what >> 4)
            let kinds: [Fault.Kind] = [.drop, .drop, .duplicate, .delay, .delay, .flip, .flip, .drop]
            let kind = kinds[Int(what >> 1 & 7)]
            let amount: Int =
                switch kind {
                case .flip: 112 + Int(value) * 5
                case .delay, .duplicate: 1 + Int(value) * (what & 0x80 == 0 ? 4 : 1000)
                case .drop: 0
                }
            faults[line].append(Fault(frame: frames[line], kind: kind, value: amount))
        }
        for i in 0...1 { lines[i].script = faults[i] }
    }
}

extension Scenario {
    /// Who sends from device memory, and how the device takes it.
    fileprivate mutating func place(_ shape: UInt8) {
        for i in 0...1 {
            stations[i].segmentation = shape & 0x40 == 0
            stations[i].release = shape & 0x40 == 0 ? 0 : 1_000
            guard shape & (i == 0 ? 0x10 : 0x20) != 0 else { continue }
            stations[i].offload = true
            stations[i].placed = 600_000
        }
    }

    /// Station 1 sends what it receives.
    fileprivate mutating func relay() {
        stations[1].relays = true
        stations[1].offload = true
        flows = [flows[0]]
        flows[0].ends[1].bytes = 0
        flows[0].ends[1].ending = .afterPeer
        if flows[0].ends[0].ending == .afterPeer { flows[0].ends[0].ending = .shutdown }
    }
}

extension StationPlan {
    fileprivate init(decoding input: inout FuzzInput) {
        self.init()
        let (a, b, c, d) = (input.byte(), input.byte(), input.byte(), input.byte())
        layout = [.split, .late, .buffered, .whole][Int(a & 3)]
        boundary = layout == .late ? [1, 7, 64, 256][Int(a >> 2 & 3)] : 60 + Int(a >> 2 & 3) * 60
        mtu = [1500, 1500, 576, 256][Int(a >> 4 & 3)]
        unverified = a & 64 == 0 ? 0 : 200_000
        burst = a & 128 == 0 ? 64 : 1
        slots = [32, 96, 192, 192][Int(b & 3)]
        guarantee = [8, 24, 48, 48][Int(b >> 2 & 3)]
        isShared = b & 16 != 0
        timestamps = b & 32 == 0
        sack = b & 64 == 0
        nagle = b & 128 == 0
        sendBuffer = [4, 16, 64, 64][Int(c & 3)] << 10
        ranges = c & 4 == 0 ? 64 : 4
        output = c & 8 == 0 ? 64 : 4
        scale = c & 16 == 0 ? 7 : 0
        isCubic = c & 32 != 0
        wraps = c & 64 != 0
        acknowledgeEvery = c & 128 == 0 ? 2 : 1
        offload = d & 1 != 0
        delayedACK = d & 2 == 0 ? 40_000 : 1_000
        initialWindow = d & 4 == 0 ? 10 : 1
        if d & 8 != 0 {
            readEvery = 2_000
            readRecords = 4
        }
        if d & 16 != 0 { demand = 1_000 }
        if d & 32 != 0 { hold = 16 }
        if d & 64 != 0 {
            sleepAfter = 3_000
            sleep = d & 128 == 0 ? 500_000 : 10_000_000
        }
    }
}

extension FlowPlan {
    fileprivate init(decoding input: inout FuzzInput) {
        self.init()
        for i in 0...1 {
            let a = input.byte()
            ends[i].bytes = Int(input.byte()) * [0, 10, 60, 120][Int(a & 3)]
            if a & 4 != 0 {
                ends[i].write = 100
                ends[i].writeEvery = 500
                ends[i].bytes = min(ends[i].bytes, 8_000)
            }
            ends[i].ending =
                [.shutdown, .shutdown, .afterPeer, .leave, .abort, .depart, .shutdown, .leave][Int(a >> 3 & 7)]
            if i == 0 { isSimultaneous = a & 0xC0 == 0xC0 }
        }
        if ends[0].ending == .afterPeer && ends[1].ending == .afterPeer { ends[0].ending = .shutdown }
    }
}

extension LinePlan {
    fileprivate init(decoding input: inout FuzzInput) {
        self.init()
        let a = input.byte()
        delay = [5, 50, 500, 40_000][Int(a & 3)]
        byteTime = [1, 8, 80, 800][Int(a >> 2 & 3)]
        if a & 16 != 0 { queue = 8 << 10 }
        if a & 0xE0 == 0xE0 { mtu = 600 }
        if a & 0xE0 == 0xC0 { silences = [Silence(from: Int(input.byte()) * 1_000, length: 3_000_000)] }
    }
}

extension Lie {
    fileprivate init(decoding input: inout FuzzInput) {
        let kinds: [Kind] = [
            .data, .data, .data, .data, .wait, .wrong, .fin, .reset, .syn, .ack, .window, .sack, .mute, .flags, .time,
            .data,
        ]
        let what = input.byte()
        self.init(kind: kinds[Int(what & 15)])
        let (x, y) = (Int(Int16(bitPattern: input.be16())), Int(input.byte()))
        switch kind {
        case .wait: a = [100, 10_000, 300_000, 5_000_000][x & 3]
        case .data, .wrong:
            a = what & 16 == 0 ? 0 : x
            b = 1 + y * 5
        case .fin, .reset, .syn: a = what & 16 == 0 ? 0 : x
        case .ack: a = x
        case .window: a = x & 0xFFFF
        case .sack:
            a = x
            b = y * 32 - 1_000
        case .mute: a = x & 1
        case .flags:
            a = x & 0xF9
            b = y & 1
        case .time: a = x
        }
    }
}
