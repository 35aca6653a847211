import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// Queues of the 82599: RSS, EtherType, SYN and 5-tuple filters, and the flow director.
@Suite struct Steering599Tests {
    /// Queues 0 to 3, split.
    private func bench(_ change: (inout SoftNICConfiguration) -> Void = { _ in }) throws -> Bench {
        let bench = try Bench(i82599: .strict, change)
        for queue in 0..<4 { bench.start599(queue, type: 5) }
        bench.enable599()
        return bench
    }

    /// The queue to which the last frame went, by whose head moved.
    private func queue(_ bench: Bench, _ recipe: FrameRecipe) -> Int? {
        let before = (0..<4).map { bench.bus.read(I82599.rdh($0)).rawValue }
        bench.send(recipe)
        return (0..<4).first { bench.bus.read(I82599.rdh($0)).rawValue != before[$0] }
    }

    @Test func hashAndRedirection() throws {
        let bench = try bench()
        for word in 0..<10 {
            var value: UInt32 = 0
            for byte in 0..<4 { value |= UInt32(HashTests.key[4 * word + byte]) << UInt32(8 * byte) }
            bench.bus.write(I82599.rssrk(word), PlainValue(value))
        }
        for i in 0..<32 { bench.bus.write(I82599.reta(i), PlainValue(0x0202_0202)) }
        bench.bus.write(I82599.mrqc, .init().setting(.mode, 1).setting(.tcpIPv4))
        for (index, vector) in HashTests.ipv4.enumerated() {
            let recipe = FrameRecipe {
                $0.sourceAddress = vector.source
                $0.destinationAddress = vector.destination
                $0.sourcePort = vector.sourcePort
                $0.destinationPort = vector.destinationPort
            }
            #expect(queue(bench, recipe) == 2)
            #expect(bench.completion(2, index).hash == vector.tcp && bench.completion(2, index).rssType == 1)
        }
        #expect(queue(bench, FrameRecipe { $0.transport = .udp }) == 0)
    }

    @Test func fiveTupleFilters() throws {
        let bench = try bench()
        // Addresses and ports as on the wire; mask bits ignore.
        func filter(_ i: Int, _ filter: I82599.FiveTupleFilter, queue: UInt32, port: UInt32 = 0) {
            bench.bus.write(I82599.saqf(i), PlainValue(0x0100_000A))
            bench.bus.write(I82599.daqf(i), PlainValue(0x0200_000A))
            bench.bus.write(I82599.sdpqf(i), PlainValue(port))
            bench.bus.write(I82599.l34timir(i), .init().setting(.reserved, 0x40).setting(.queue, queue))
            bench.bus.write(I82599.ftqf(i), filter.setting(.poolMask).setting(.enable))
        }
        filter(5, .init().setting(.priority, 1).setting(.mask, 0b01100), queue: 1)
        #expect(queue(bench, FrameRecipe()) == 1, "TCP between the two, any port")
        #expect(queue(bench, FrameRecipe { $0.transport = .udp }) == 0)
        #expect(queue(bench, FrameRecipe { $0.sourceAddress = [10, 0, 0, 9] }) == 0)
        // 5001 as on the wire, in the upper half.
        filter(120, .init().setting(.priority, 7).setting(.mask, 0b00111), queue: 3, port: 0x8913_0000)
        #expect(queue(bench, FrameRecipe()) == 3, "the higher priority")
        #expect(queue(bench, FrameRecipe { $0.destinationPort = 5002 }) == 1)
        bench.bus.write(I82599.ftqf(120), .init())
        #expect(queue(bench, FrameRecipe()) == 1)
    }

    @Test func synFilter() throws {
        let bench = try bench()
        bench.bus.write(I82599.synqf, .init().setting(.enable).setting(.queue, 2))
        #expect(queue(bench, FrameRecipe()) == 0)
        var frame = FrameRecipe().bytes
        frame[47] = 0x02
        bench.send(frame)
        #expect(bench.completion(2, 0).isDone)
    }

    // MARK: flow director

    private static let memory = I82599.FlowDirectorControl().setting(.memory, 1).setting(.perfectMatch)

    private func startDirector(_ bench: Bench, _ control: I82599.FlowDirectorControl = Self.memory) {
        bench.bus.write(I82599.fdirhkey, PlainValue(FlowDirectorBucket.key))
        bench.bus.write(
            I82599.fdirm, .init().setting(.vlanID).setting(.vlanPriority).setting(.pool).setting(.flexible))
        bench.bus.write(I82599.fdirctrl, control.setting(.dropQueue, 127))
        bench.run(.milliseconds(1))
    }

    /// The command for the flow of a recipe; `bucket` and masks as given, addresses and ports as numbers.
    private func command(
        _ bench: Bench, _ recipe: FrameRecipe, _ command: UInt32, identifier: UInt32, queue: UInt32 = 0,
        portMask: UInt16 = .max, bucket: UInt32? = nil
    ) -> I82599.FlowDirectorCommand {
        func number(_ address: [UInt8]) -> UInt32 { address.reduce(0) { $0 << 8 | UInt32($1) } }
        let source = UInt16(recipe.sourcePort) & portMask
        let right = FlowDirectorBucket.of(
            flowType: 2, source: number(recipe.sourceAddress), destination: number(recipe.destinationAddress),
            sourcePort: source, destinationPort: UInt16(recipe.destinationPort))
        bench.bus.write(I82599.fdiripsa, PlainValue(number(recipe.sourceAddress)))
        bench.bus.write(I82599.fdiripda, PlainValue(number(recipe.destinationAddress)))
        bench.bus.write(I82599.fdirport, PlainValue(UInt32(recipe.destinationPort) << 16 | UInt32(recipe.sourcePort)))
        bench.bus.write(I82599.fdirhash, .init().setting(.bucket, bucket ?? right).setting(.identifier, identifier))
        bench.bus.write(
            I82599.fdircmd,
            .init().setting(.command, command).setting(.update).setting(.last).setting(.queueEnable)
                .setting(.flowType, 2).setting(.queue, queue))
        #expect(bench.bus.read(I82599.fdircmd)[.command] == command, "busy")
        bench.run(.milliseconds(1))
        let answer = bench.bus.read(I82599.fdircmd)
        #expect(answer[.command] == 0)
        return answer
    }

    @Test func perfectFilters() throws {
        let bench = try bench()
        startDirector(bench)
        #expect(bench.bus.read(I82599.fdirctrl)[.initDone] && bench.bus.read(I82599.fdirfree).rawValue == 2046)
        let flow = FrameRecipe()
        let other = FrameRecipe { $0.sourcePort = 40001 }
        #expect(queue(bench, flow) == 0)
        #expect(command(bench, flow, 1, identifier: 77, queue: 3)[.valid])
        #expect(bench.bus.read(I82599.fdirfree).rawValue == 2045)
        #expect(queue(bench, flow) == 3 && queue(bench, other) == 0)
        #expect(bench.completion(3, 0).status >> 2 & 1 == 1, "FLM")
        #expect(bench.bus.read(I82599.fdirmatch).rawValue == 1 && bench.bus.read(I82599.fdirmiss).rawValue == 1)
        #expect(queue(bench, FrameRecipe { $0.transport = .udp }) == 0, "the same ports over UDP")
        // Changed, looked up, removed.
        #expect(command(bench, flow, 1, identifier: 77, queue: 2)[.valid])
        #expect(queue(bench, flow) == 2 && bench.bus.read(I82599.fdirfree).rawValue == 2045)
        #expect(command(bench, flow, 3, identifier: 77)[.valid])
        #expect(!command(bench, flow, 3, identifier: 78)[.valid])
        _ = command(bench, flow, 2, identifier: 77)
        #expect(!command(bench, flow, 3, identifier: 77)[.valid])
        #expect(queue(bench, flow) == 0 && bench.bus.read(I82599.fdirfree).rawValue == 2046)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    /// REPORT_STATUS: the filter's name and bucket in place of the hash.
    @Test func filterIsReported() throws {
        let bench = try bench()
        startDirector(bench, Self.memory.setting(.reportStatus))
        let flow = FrameRecipe()
        _ = command(bench, flow, 1, identifier: 0x123, queue: 1)
        let bucket = bench.bus.read(I82599.fdirhash)[.bucket]
        #expect(queue(bench, flow) == 1)
        #expect(bench.completion(1, 0).hash == 0x123 | bucket << 16 && bench.completion(1, 0).rssType == 15)
    }

    /// Port masks are written bit-reversed, and ones ignore.
    @Test func portMask() throws {
        let bench = try bench()
        startDirector(bench)
        // The lowest two bits of the source port do not count: reversed, the two highest of the lower half.
        bench.bus.write(I82599.fdirtcpm, PlainValue(0x0000_C000))
        _ = command(bench, FrameRecipe(), 1, identifier: 1, queue: 1, portMask: 0xFFFC)
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
        for port in 40000..<40004 { #expect(queue(bench, FrameRecipe { $0.sourcePort = port }) == 1) }
        #expect(queue(bench, FrameRecipe { $0.sourcePort = 40004 }) == 0)
    }

    @Test func dropQueueDrops() throws {
        let bench = try bench()
        startDirector(bench)
        _ = command(bench, FrameRecipe(), 1, identifier: 1, queue: 127)
        #expect(queue(bench, FrameRecipe()) == nil)
    }

    /// A filter in the wrong bucket is never found, and the driver is told.
    @Test func wrongBucket() throws {
        let bench = try bench()
        startDirector(bench)
        _ = command(bench, FrameRecipe(), 1, identifier: 1, queue: 1, bucket: 5)
        #expect(bench.nic.flags[.flowBucketWrong] == 1)
        #expect(queue(bench, FrameRecipe()) == 0)
    }

    @Test func tableFillsUp() throws {
        let bench = try bench()
        startDirector(bench)
        for i in 0..<2046 {
            #expect(
                command(bench, FrameRecipe { $0.sourcePort = 1000 + i }, 1, identifier: UInt32(i), queue: 1)[.valid])
        }
        #expect(bench.bus.read(I82599.fdirfree).rawValue == 0)
        #expect(!command(bench, FrameRecipe(), 1, identifier: 2046, queue: 1)[.valid])
        for port in [1000, 2000, 3045] { #expect(queue(bench, FrameRecipe { $0.sourcePort = port }) == 1) }
        for i in stride(from: 0, to: 2046, by: 2) {
            _ = command(bench, FrameRecipe { $0.sourcePort = 1000 + i }, 2, identifier: UInt32(i))
        }
        #expect(bench.bus.read(I82599.fdirfree).rawValue == 1023)
        #expect(queue(bench, FrameRecipe { $0.sourcePort = 1000 }) == 0)
        #expect(queue(bench, FrameRecipe { $0.sourcePort = 1001 }) == 1)
    }
}
