internal import DeviceMemory
internal import HeaderSplit
internal import Packets
internal import TCPLite
internal import Timeline

/// What a peer, an application and time do to one connection after the other, each beside a ``ReferenceModel``.
///
/// An input is a few bytes of configuration, then operations. After each, state, sequence numbers and books must be the
/// model's; what is delivered must be its bytes, what is sent what was written, acknowledged and reported what has come.
enum OperationTarget {
    static let steps = 120

    static func run(_ input: inout FuzzInput) throws(Finding) {
        let run = OperationRun(&input)
        for _ in 0..<steps where !input.isEmpty { try run.step(&input) }
        try run.finish()
    }
}

private final class OperationRun {
    let stage: Stage
    private let frame = PeerFrame()
    private var flow: ModelledFlow?
    private var port: UInt16 = 5000
    private var clock: UInt32 = 1000
    private let offersTimestamps: Bool
    private let offersSACK: Bool
    private let startsLate: Bool
    private let scale: UInt8
    private var isBurst = false

    init(_ input: inout FuzzInput) {
        let (a, b) = (input.byte(), input.byte())
        offersTimestamps = a & 1 == 0
        offersSACK = a & 2 == 0
        startsLate = a & 4 != 0
        scale = a & 8 == 0 ? 0 : 3
        stage = Stage(
            Stage.configuration {
                // More than all operations of an input can use up: nothing may be dropped for want of memory.
                $0.slotsPerFlow = 192
                $0.slotBudget = 256
                $0.linearBlocks = 1024
                $0.timestamps = a & 16 == 0
                $0.selectiveAcknowledgement = a & 32 == 0
                $0.nagle = a & 64 == 0
                $0.congestionControl = a & 128 == 0 ? .newReno : .cubic
                $0.acknowledgeEvery = b & 1 == 0 ? 2 : 1
                $0.initialSequence = b & 2 == 0 ? .keyed : .fixed(.max - 3000)
                $0.windowScale = b & 4 == 0 ? 7 : 2
                $0.transmitChecksumOffload = b & 8 != 0
                $0.maximumSegmentSize = b & 16 == 0 ? nil : 100
                $0.initialWindow = b & 32 == 0 ? 10 : 1
                $0.sendBufferBytes = b & 64 == 0 ? 8 << 10 : 32 << 10
                $0.giveUp = .seconds(30)
                $0.msl = .seconds(3)
                $0.orphanTimeout = .seconds(20)
                $0.neighbourLifetime = .seconds(1_000_000)
                $0.maxConnections = 3
                $0.placedSends = 12
                $0.segmentationOffload = b & 16 == 0
            }, slots: 264)
        stage.holdsParts = a & 128 != 0
        try? stage.stack.listen(port: 80, flow: b & 128 == 0 ? nil : .guaranteed(slots: 150))
        frame.arp(operation: 1, peer: ModelledFlow.peer)
        stage.receive(frame.view, boundary: frame.view.count, .good)
    }

    func step(_ input: inout FuzzInput) throws(Finding) {
        let operation = input.byte()
        clock &+= 1
        guard let flow else {
            try open(&input, isPassive: operation & 1 == 0)
            return
        }
        let before = stage.stack.statistics
        switch operation & 15 {
        case 0...5, 15: try segment(flow, &input, TCPFlags.ack, operation)
        case 6: try operation & 0x30 == 0x30 ? flow.place(&input) : flow.send(1 + input.below(4000))
        case 7: if operation & 0x70 == 0 { flow.shutdown() }
        case 8: if operation & 0xC0 == 0 { input.flag() ? flow.abort() : flow.leave() }
        case 9: try flow.read(atMost: operation & 16 == 0 ? .max : 1)
        case 10: stage.giveBack(Int(operation >> 4))
        case 11: try pass(flow, .milliseconds((1 + UInt64(input.byte())) << UInt64(operation >> 5)))
        case 12: try segment(flow, &input, TCPFlags(rawValue: input.byte() & 1 == 0 ? 0x04 : 0x14), operation)
        case 13: try segment(flow, &input, TCPFlags(rawValue: input.byte() & 0xFB), operation)
        default: isBurst.toggle()
        }
        if !isBurst { try flow.poll() }
        try flow.takeCompletions()
        try flow.compare()
        try stage.checkBooks()
        let after = stage.stack.statistics
        guard before.droppedWithoutSlots == after.droppedWithoutSlots,
            before.droppedWithoutBlocks == after.droppedWithoutBlocks,
            before.droppedOverRanges == after.droppedOverRanges
        else { throw Finding("data that was invited was dropped") }
        if flow.isOver { try close(flow) }
    }

    private func open(_ input: inout FuzzInput, isPassive: Bool) throws(Finding) {
        port &+= 1
        let irs: UInt32 = startsLate ? .max &- UInt32(input.byte()) : UInt32(input.be16()) << 8
        var options: [UInt8] = [2, 4, 5, 0xB4, 3, 3, scale, 1]
        if offersSACK { options += [4, 2, 1, 1] }
        if offersTimestamps { options += [1, 1, 8, 10] + be(clock) + be(0) }
        flow = try ModelledFlow(
            stage, frame, port: port, irs: irs, clock: clock, options: options, isPassive: isPassive,
            window: input.be16())
    }

    /// A segment of the peer's: where, how long, what it acknowledges, how it is laid out.
    private func segment(_ flow: ModelledFlow, _ input: inout FuzzInput, _ flags: TCPFlags, _ operation: UInt8)
        throws(Finding)
    {
        let (shape, how) = (input.byte(), input.byte())
        var s = PeerSegment(position: flow.model.next, flags: flags)
        if flow.model.hasEnded { s.position += 1 }
        switch shape & 7 {
        case 0, 1, 2: break
        case 3: s.position += 1 + input.below(4000)
        case 4: s.position -= 1 + Int(input.byte())
        case 5: s.position += Int(input.byte())
        case 6: s.position = flow.edge - Int(input.byte() & 3)
        default: s.position += Int(Int16(bitPattern: input.be16()))
        }
        s.position = max(s.position, -1)
        // There a SYN may begin a new connection, which the model does not follow.
        if flow.model.state == .timeWait { s.flags.remove(.syn) }
        if shape & 8 != 0 { s.length = 1 + input.below(1400) }
        if shape & 0x30 == 0x30 { s.flags.insert(.fin) }
        if shape & 0x40 != 0 { s.flags.insert(.psh) }
        s.version = how
        s.acknowledgement = flow.latest
        if shape & 0x80 != 0 {
            switch input.byte() {
            case 0...79: s.acknowledgement = flow.model.una
            case 80...199:
                let out = max(flow.latest.distance(from: flow.model.una), 0)
                s.acknowledgement = flow.model.una + Int(input.be16()) % (out + 1)
            case 200...229: s.acknowledgement = flow.latest + 1 + Int(input.byte())
            default: s.acknowledgement = flow.model.una - 1 - Int(input.be16())
            }
        }
        if flow.model.usesTimestamps {
            s.isOld = how == 0xFF
            s.lacksTimestamp = how == 0xFE
        }
        let layout: Layout = operation & 0x10 == 0 ? .split : operation & 0x20 == 0 ? .whole : .late(Int(how))
        let verdict: ChecksumVerdict = operation & 0xC0 == 0xC0 ? (how & 1 == 0 ? .unknown : .bad) : .good
        let window: UInt16? = how & 0xE0 == 0xE0 ? input.be16() : how & 0xE0 == 0xC0 ? 0 : nil
        try flow.hear(s, layout, verdict, window: window, clock: clock, blocks: sackBlocks(flow, &input, how))
    }

    /// SACK blocks, some of which can be.
    private func sackBlocks(_ flow: ModelledFlow, _ input: inout FuzzInput, _ how: UInt8) -> [UInt32] {
        guard how & 0x0C == 0x0C, offersSACK else { return [] }
        return (0..<(how & 1 == 0 ? 2 : 4)).map { _ in (flow.model.una + Int(input.be16()) % 8192).rawValue }
    }

    private func pass(_ flow: ModelledFlow, _ interval: Interval) throws(Finding) {
        let end = stage.now + interval
        while stage.stack.nextDeadline <= end {
            stage.now = max(stage.now, stage.stack.nextDeadline)
            try flow.poll()
            flow.timePassed()
        }
        stage.now = end
        clock &+= UInt32(interval.nanoseconds / 1_000_000)
        try flow.poll()
        flow.timePassed()
        if interval >= .milliseconds(41) { try flow.checkAcknowledged() }
    }

    private func close(_ flow: ModelledFlow) throws(Finding) {
        try flow.poll()
        try flow.read(atMost: .max)
        try flow.checkEnd()
        stage.releaseParts()
        try flow.takeCompletions()
        try flow.checkSends()
        self.flow = nil
        isBurst = false
    }

    func finish() throws(Finding) {
        if let flow {
            try flow.poll()
            try flow.read(atMost: .max)
            try flow.checkRead()
        }
        try stage.finish()
    }
}
