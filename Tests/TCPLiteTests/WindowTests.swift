import DeviceMemory
import Packets
import TCPLite
import Testing
import Timeline

/// The receive window: rows, T-01 to T-03, and the promise behind it.
@Suite struct WindowTests {
    @Test("R-12, T-01, T-02: the scale is told only in a SYN, answered only if offered, and never above 14")
    func scaling() throws {
        let script = try Script { $0.slotsPerFlow = 400 }
        let answer = try #require(script.send(.syn, ack: 0, options: [2, 4, 5, 0xB4, 3, 3, 20, 0]).first)
        #expect(answer.options.windowScale == 4 && answer.header.window == 65535)
        script.seq &+= 1
        script.ack = answer.seq &+ 1
        script.send(.ack, window: 3)
        let id = try #require(script.host.order.first)
        #expect(script.host.stack.info(id)?.sendScale == 14 && script.host.stack.info(id)?.sndWnd == 3 << 14)
        let plain = try Script()
        let other = try plain.open()
        #expect(plain.host.stack.info(other)?.receiveScale == 0 && plain.host.stack.info(other)?.sendScale == 0)
    }

    @Test(
        "R-07, R-08, T-03: the right edge never goes back, and advances by a segment or not at all", arguments: 0..<12)
    func monotone(seed: Int) throws {
        let script = try Script {
            // 500 slots need a shift, so that edges are rounded.
            $0.slotsPerFlow = seed % 3 == 2 ? 500 : seed % 2 == 0 ? 32 : 7
            $0.windowScale = 14
        }
        let id = try script.open(options: Script.usual)
        let scale = script.host.stack.info(id)?.receiveScale ?? 0
        script.host.returnsAtOnce = false
        var random = SeededGenerator(seed: UInt64(seed))
        var edge = try script.info(id).rcvAdv
        for _ in 0..<700 {
            let info = try script.info(id)
            let room = info.rcvAdv.distance(from: info.rcvNxt)
            let size = random.below(4) == 0 ? Int(random.below(100)) + 1 : 1000 + Int(random.below(400))
            var answers: [Sent] = []
            if room > 0 && random.below(3) != 0 {
                script.seq = info.rcvNxt.rawValue
                answers += script.data(pattern(min(size, room)))
            }
            if random.below(3) == 0 { script.host.giveBack() }
            answers += script.poll()
            if random.below(5) == 0 { answers += script.wait(.milliseconds(45)) }
            for answer in answers {
                let told = SequenceNumber(answer.ack) + Int(answer.header.window) << Int(scale)
                let advance = told.distance(from: edge)
                #expect(advance >= 0 || -advance < 1 << Int(scale), "seed \(seed)")
                // A segment or half of the buffer; less only where the scale rounds.
                let unit = min(info.bytesPerSlot, try script.info(id).bytesPerSlot)
                let least = min(1460, info.slotsGuaranteed * unit / 2) - (1 << Int(scale)) + 1
                #expect(advance < 1 << Int(scale) || advance >= least, "seed \(seed): \(advance), not \(least)")
                if told > edge { edge = told }
            }
            #expect(edge == script.host.stack.info(id)?.rcvAdv)
        }
        script.host.giveBack()
        #expect(script.host.isBalanced && script.host.stack.statistics.droppedWithoutSlots == 0)
    }

    @Test(
        "R-09, R-10, R-11: an application that keeps its slots closes the window, probes are answered, and slots reopen it unasked"
    )
    func starvation() throws {
        let a = Host(small(1))
        let b = Host(small(2) { $0.slotsPerFlow = 16 }, slots: 64)
        b.returnsAtOnce = false
        let channel = Channel(a, b)
        try b.stack.listen(port: 80)
        let id = try a.stack.connect(to: address(2), port: 80, localPort: nil, now: channel.now)
        let data = pattern(200_000)
        let bytes = Bytes(data)
        var sent = 0
        channel.step = { if sent < data.count { sent += a.stack.send(id, bytes.view.from(sent)) } }
        withExtendedLifetime(bytes) { channel.run(limit: .seconds(300)) }
        let peer = try #require(b.order.first)
        #expect(b.held.count <= 16 && b.held.count >= 10)
        #expect(a.stack.info(id)?.state == .established && a.stack.statistics.windowProbes > 3)
        #expect(a.stack.info(id)?.sndWnd ?? 1 < 1460)
        // An application that takes everything back in small steps.
        for _ in 0..<2000 where (b.seen[peer]?.bytes.count ?? 0) < data.count {
            b.giveBack()
            withExtendedLifetime(bytes) { channel.run(limit: .milliseconds(20)) }
        }
        #expect(b.seen[peer]?.bytes == data)
        #expect(b.stack.statistics.droppedWithoutSlots == 0 && b.starved == 0)
        b.giveBack()
        #expect(b.isBalanced && b.stack.info(peer)?.slotsHeld == 0)
    }

    @Test("R-10: a flow that sends less than it was promised for never takes another flow's slots")
    func tinySegments() throws {
        let script = try Script(
            {
                $0.slotsPerFlow = 20; $0.slotBudget = 45
            }, slots: 64)
        let one = try script.open()
        let first = (script.seq, script.ack)
        script.peerPort = 5001
        script.seq = 50_000
        let two = try script.open()
        (script.seq, script.ack) = first
        script.peerPort = 5000
        script.host.returnsAtOnce = false
        for _ in 0..<200 {
            script.send(.ack, payload: [1])
            if let info = script.host.stack.info(one) { script.seq = info.rcvNxt.rawValue }
        }
        #expect(script.host.stack.info(one)?.slotsHeld == 25 && script.host.stack.slotsPromised == 45)
        #expect(script.host.stack.statistics.droppedWithoutSlots > 0)
        script.peerPort = 5001
        script.seq = 50_001
        script.ack = try script.info(two).sndNxt.rawValue
        for _ in 0..<17 { script.data(pattern(700)) }
        #expect(script.host.stack.info(two)?.slotsHeld == 17)
        script.host.giveBack()
        #expect(script.host.stack.slotsPromised == 40 && script.host.isBalanced)
        _ = script.wait(.seconds(1))
        #expect(script.host.stack.linearBlocksFree == 1024)
    }

    @Test(
        "R-10: out-of-order data cannot keep the gap from closing, in slots or in host memory",
        arguments: [true, false])
    func reserve(inSlots: Bool) throws {
        let script = try Script {
            $0.slotsPerFlow = inSlots ? 8 : 0
            $0.slotBudget = 8
            $0.linearBlocks = 64
        }
        script.host.layout = inSlots ? .split : .unsplit
        let id = try script.open()
        let base = script.seq
        // In host memory bytes that follow each other would share a block.
        for n: UInt32 in stride(from: 1, to: 200, by: inSlots ? 1 : 2) {
            script.send(.ack, seq: base &+ n, payload: [UInt8(n)])
        }
        let kept = try script.info(id).outOfOrderBytes
        #expect(kept > 0 && kept < 64)
        for n: UInt32 in 0..<200 { script.send(.ack, seq: base &+ n, payload: [UInt8(n)]) }
        #expect(script.host.seen[id]?.bytes == (0..<200).map { UInt8($0) })
        #expect(script.host.isBalanced && script.host.stack.linearBlocksFree == 64)
    }

    @Test("Slots of connections that are gone stay counted until they come back")
    func orphans() throws {
        let script = try Script(
            {
                $0.slotsPerFlow = 20; $0.slotBudget = 20
            }, slots: 64)
        try script.open()
        script.host.returnsAtOnce = false
        for _ in 0..<5 { script.data(pattern(500)) }
        script.send(.rst)
        #expect(script.host.stack.connectionCount == 0 && script.host.stack.slotsPromised == 5)
        script.peerPort = 5001
        #expect(script.send(.syn, ack: 0).isEmpty)
        script.host.giveBack()
        #expect(script.host.stack.slotsPromised == 0 && script.host.isBalanced)
        #expect(script.send(.syn, ack: 0).count == 1)
    }
}
