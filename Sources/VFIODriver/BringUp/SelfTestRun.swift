internal import DeviceMemory
internal import HeaderSplit
internal import Timeline

/// A self-test under way: the bench, and what was found.
struct SelfTestRun<Driver: NICDriver & ~Copyable>: ~Copyable {
    private var bench: LoopbackBench<Driver>
    private let plan: SelfTestPlan
    private var outcome = SelfTestOutcome()
    private var nextSeed: UInt64

    init(_ bench: consuming LoopbackBench<Driver>, _ plan: SelfTestPlan) {
        outcome.macAddress = bench.driver.macAddress
        self.bench = bench
        self.plan = plan
        nextSeed = plan.configuration.hashSeed &* 0x1_0000
    }

    /// Header buffers of a queue, in bytes, where frames that fit stay whole.
    private var headerBuffer: Int { bench.driver.configuration.headerBytes ?? 192 }

    mutating func everything() throws(DriverError) {
        // Where not one frame comes back, hundreds of waits would say nothing more.
        guard try canary() else { return }
        try headerSizes()
        try payloadSizes()
        try verdicts()
        try transmitChecksum()
        try spread()
        try interrupts()
    }

    /// Stops the device; slots that are missing then are a finding too.
    mutating func end() -> SelfTestOutcome {
        let whole = bench.shutDown()
        check("slots", whole, "every slot back after the stop", whole ? "every slot back" : "slots are missing")
        return outcome
    }

    private mutating func check(_ name: String, _ ok: Bool, _ expected: String, _ seen: String) {
        outcome.checks.append(SelfTestCheck(name: name, ok: ok, expected: expected, seen: seen))
    }

    private mutating func exchange(_ frame: LoopbackFrame) throws(DriverError) -> LoopbackArrival? {
        let arrival = try bench.exchange(frame)
        outcome.vectors.append(FrameVector(frame, arrival))
        return arrival
    }

    /// A TCP frame whose payload nothing in memory equals.
    private mutating func freshFrame() -> LoopbackFrame {
        var frame = LoopbackFrame()
        nextSeed &+= 1
        frame.seed = nextSeed
        return frame
    }

    // MARK: checks

    /// The path of payload to the region: the pattern that was there must be gone, exactly where the device says.
    /// False when nothing came back.
    private mutating func canary() throws(DriverError) -> Bool {
        bench.regionBytes.fill(SelfTest.canary)
        let holds = bench.regionBytes.readOnly.isAll(SelfTest.canary)
        check(
            "region memory", holds, "a pattern written to the region reads back",
            holds ? "it does" : "the region does not keep what is written to it")
        let frame = freshFrame()
        let arrival = try exchange(frame)
        let wrong = fault(arrival, frame)
        check(
            "canary", wrong == nil, "the NIC replaces the pattern where it says, and nowhere else", wrong ?? "it does")
        return arrival != nil
    }

    /// Every length that Ethernet, a VLAN tag, IPv4 and TCP with options can have.
    private mutating func headerSizes() throws(DriverError) {
        var faults: [Int: String] = [:]
        var tried: [Int: Int] = [:]
        for tagged in [false, true] {
            for network in stride(from: 20, through: 60, by: 4) {
                for transport in stride(from: 20, through: 60, by: 4) {
                    var frame = freshFrame()
                    frame.tagged = tagged
                    frame.networkLength = network
                    frame.transportLength = transport
                    tried[frame.headerLength, default: 0] += 1
                    if let wrong = fault(try exchange(frame), frame), faults[frame.headerLength] == nil {
                        faults[frame.headerLength] =
                            "\(wrong) (IPv4 header \(network), TCP header \(transport)\(tagged ? ", VLAN tag" : ""))"
                    }
                }
            }
        }
        for length in tried.keys.sorted() {
            check(
                "header of \(length) bytes", faults[length] == nil,
                "\(length) bytes in host memory, 1000 in the region alone, checksum good",
                faults[length] ?? "as expected in \(tried[length] ?? 0) shapes")
        }
    }

    /// From one byte to the largest frame, with both sides of the header buffer's size.
    private mutating func payloadSizes() throws(DriverError) {
        let room = headerBuffer - LoopbackFrame().headerLength
        let largest = bench.driver.configuration.mtu - 40
        let sizes: Set<Int> = [
            1, 2, 5, 6, 7, 64, room - 1, room, room + 1, room + 2, 202, 203, 536, 1024, largest - 1, largest,
        ]
        for size in sizes.sorted() where size >= 1 && size <= largest {
            var frame = freshFrame()
            frame.payloadLength = size
            let wrong = fault(try exchange(frame), frame)
            let small = isKeptWhole(frame)
            check(
                "payload of \(size) bytes", wrong == nil,
                small ? "the whole frame in host memory" : "\(size) bytes in the region alone", wrong ?? "as expected")
        }
    }

    private func isKeptWhole(_ frame: LoopbackFrame) -> Bool {
        Driver.keepsSmallFramesWhole && max(frame.headerLength + frame.payloadLength, 60) <= headerBuffer
    }

    private mutating func verdicts() throws(DriverError) {
        let cases: [(LoopbackFrame.Kind, ChecksumVerdict)] = [
            (.tcp, .good), (.udp, .good), (.tcpBad, .bad), (.ipBad, .bad), (.fragment, .unknown), (.raw, .unknown),
        ]
        for (kind, expected) in cases {
            var frame = freshFrame()
            frame.kind = kind
            let arrival = try exchange(frame)
            check(
                "checksum verdict, \(kind.rawValue)", arrival?.checksum == expected, FrameVector.name(expected),
                arrival.map { FrameVector.name($0.checksum) } ?? "no frame came back")
        }
    }

    /// The transmitter inserts the TCP checksum: the frame comes back as the one that was right from the start.
    private mutating func transmitChecksum() throws(DriverError) {
        for size in [1, 999, 1000] {
            var frame = freshFrame()
            frame.payloadLength = size
            var right = frame
            frame.kind = .tcpInsert
            right.kind = .tcp
            let arrival = try exchange(frame)
            let at = right.headerLength - right.transportLength + 16
            let expected = Array(bench.bytes(of: right)[at..<(at + 2)])
            let seen = arrival.flatMap { $0.header.count >= at + 2 ? Array($0.header[at..<(at + 2)]) : nil }
            check(
                "transmit checksum, \(size) bytes", seen == expected && arrival?.checksum == .good,
                "\(hexText(expected)), good",
                seen.map { "\(hexText($0)), \(arrival.map { FrameVector.name($0.checksum) } ?? "")" }
                    ?? "no frame came back")
        }
    }

    /// Flows reach every split queue, each flow always the same, and what is not hashed reaches queue 0.
    private mutating func spread() throws(DriverError) {
        let queues = bench.driver.configuration.splitQueues
        var reached = [Int](repeating: 0, count: queues + 1)
        var wandering = 0
        for flow in 0..<(64 * queues) where reached[1...].contains(0) || flow < 8 {
            var frame = freshFrame()
            frame.payloadLength = 300
            frame.port = UInt16(truncatingIfNeeded: 30000 + flow)
            guard let first = try exchange(frame), let second = try exchange(frame) else { continue }
            reached[first.queue] += 1
            if first.queue != second.queue { wandering += 1 }
        }
        for queue in 1...queues {
            check(
                "queue \(queue)", reached[queue] != 0, "some of up to \(64 * queues) flows",
                "\(reached[queue]) of \(reached.reduce(0, +)) flows")
        }
        check("queues are kept", wandering == 0, "a flow stays with its queue", "\(wandering) flows changed theirs")
        var frame = freshFrame()
        frame.kind = .raw
        let arrival = try exchange(frame)
        check(
            "queue 0", arrival?.queue == 0 && arrival?.payload == nil, "a frame that is not IP, whole in host memory",
            arrival.map { "queue \($0.queue)" } ?? "no frame came back")
    }

    /// The driver's vector fires for a frame, once.
    private mutating func interrupts() throws(DriverError) {
        let device = bench.driver.device
        do {
            try device.enableInterrupts(vectors: 1)
        } catch {
            return check("interrupt", false, "vector 0 can be enabled", error.description)
        }
        bench.driver.routeInterrupts()
        _ = device.takeInterrupts()
        bench.driver.armInterrupts()
        let frame = freshFrame()
        let arrival = try exchange(frame)
        var fired = device.takeInterrupts()
        for _ in 0..<200 where fired == 0 {
            bench.wait(.milliseconds(1))
            fired = device.takeInterrupts()
        }
        bench.driver.maskInterrupts()
        check(
            "interrupt", arrival != nil && fired == 1, "vector 0 fires for a frame",
            arrival == nil ? "no frame came back" : fired == 0 ? "nothing fired" : "vectors \(hexadecimal(fired)) fired"
        )
    }

    /// With the region taken away, payload must not arrive anywhere; the device says nothing of it.
    mutating func withoutRegion(_ bytes: Int) throws(DriverError) {
        let before = freshFrame()
        let wrong = fault(try exchange(before), before)
        check("with the region", wrong == nil, "payload arrives", wrong ?? "it does")
        do {
            try bench.driver.device.unmapUnderDMA(bench.regionIOVA, length: bytes)
        } catch {
            throw .memory(error)
        }
        let frame = freshFrame()
        let arrival = try bench.exchange(frame)
        let untouched = bench.regionBytes.readOnly.isAll(SelfTest.canary)
        check(
            "without the region", untouched && bench.hostOffset(of: frame.payload) == nil,
            "payload arrives nowhere",
            untouched
                ? arrival == nil ? "nothing came back" : "a descriptor came back as if all were well, and no payload"
                : "the device wrote to the region although it was taken away: nothing holds it back")
    }

    // MARK: comparison

    /// What is wrong with what came back of `frame`; `nil` when nothing is.
    private func fault(_ arrival: LoopbackArrival?, _ frame: LoopbackFrame) -> String? {
        guard let arrival else { return "no frame came back" }
        let bytes = bench.bytes(of: frame)
        if let stray = arrival.strayOffset {
            return "region offset \(stray) was written, which is outside of what the device announced"
        }
        guard arrival.queue != 0 else { return "it came back on queue 0" }
        guard arrival.checksum == .good else { return "checksum \(FrameVector.name(arrival.checksum))" }
        if isKeptWhole(frame) {
            guard arrival.payload == nil else { return "\(arrival.payload?.count ?? 0) bytes in the region" }
            guard arrival.header.starts(with: bytes) else { return "other bytes in host memory" }
            return arrival.header.count <= max(bytes.count, 60)
                ? nil : "\(arrival.header.count) bytes in host memory for a frame of \(bytes.count)"
        }
        guard arrival.split == .split else { return "not split (\(FrameVector.name(arrival.split)))" }
        guard arrival.header.count == frame.headerLength else {
            return "\(arrival.header.count) bytes of header in host memory instead of \(frame.headerLength)"
        }
        guard arrival.header.elementsEqual(bytes[..<frame.headerLength]) else { return "other header bytes" }
        let payload = frame.payload
        // Ethernet pads to 60 bytes, and the padding of a short frame may be stored as payload.
        guard let seen = arrival.payload, seen.starts(with: payload),
            seen.count <= max(payload.count, 60 - frame.headerLength)
        else {
            return
                "\(arrival.payload?.count ?? 0) bytes in the region, which are not the \(payload.count) that were sent"
        }
        if payload.count >= 16, let offset = bench.hostOffset(of: Array(payload.prefix(16))) {
            return "payload is in host memory too, at offset \(offset)"
        }
        return nil
    }

    private func hexText(_ bytes: [UInt8]) -> String {
        bytes.map { hexadecimal(UInt64($0), digits: 2, prefix: "") }.joined()
    }
}
