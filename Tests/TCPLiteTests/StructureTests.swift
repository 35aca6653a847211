#if DEBUG
    import Packets
    @testable import TCPLite
    import Testing
    import Timeline

    /// The stack's own containers, each against something simple.
    @Suite struct StructureTests {
        @Test func heapComesOutInOrder() {
            var random = SeededGenerator(seed: 6)
            var heap = DeadlineHeap(capacity: 50)
            let hasHeap = heap.grow(to: 50)
            #expect(hasHeap)
            var model: [Int: Instant] = [:]
            for _ in 0..<20_000 {
                let i = Int(random.below(50))
                let due = Instant(nanoseconds: UInt64(random.below(1000)))
                switch random.below(4) {
                case 0, 1:
                    heap.require(i, by: due)
                    model[i] = min(model[i] ?? .never, due)
                case 2:
                    heap.remove(i)
                    model[i] = nil
                default:
                    let popped = heap.popDue(due)
                    let earliest = model.values.min() ?? .never
                    #expect((popped >= 0) == (earliest <= due))
                    if popped >= 0 {
                        #expect(model[popped] == earliest)
                        model[popped] = nil
                    }
                }
                #expect(heap.count == model.count && heap.earliest == model.values.min() ?? .never)
            }
        }

        @Test func listKeepsOrderAndMembers() {
            var random = SeededGenerator(seed: 7)
            var list = ConnectionList(capacity: 20)
            let hasList = list.grow(to: 20)
            #expect(hasList)
            var model: [Int] = []
            for _ in 0..<10_000 {
                let i = Int(random.below(20))
                switch random.below(3) {
                case 0:
                    list.append(i)
                    if !model.contains(i) { model.append(i) }
                case 1:
                    list.remove(i)
                    model.removeAll { $0 == i }
                default:
                    let popped = list.popFirst()
                    #expect(popped == (model.isEmpty ? -1 : model.removeFirst()))
                }
                #expect(list.count == model.count && Int(list.first) == model.first ?? -1)
                let isMember = list.contains(i)
                #expect(isMember == model.contains(i))
            }
        }

        @Test("what is kept for each connection has the size that was decided, and no more")
        func sizes() {
            #expect(MemoryLayout<Connection>.stride <= 464)
            #expect(MemoryLayout<ConnectionCounters>.stride <= 92)
            #expect(MemoryLayout<Cubic>.stride <= 48)
            #expect(MemoryLayout<WindowHistory>.stride <= 264)
        }

        @Test("K-09: the scoreboard against a set of bytes, across the wrap")
        func scoreboardAgainstASet() {
            for seed in 0..<30 {
                var random = SeededGenerator(seed: UInt64(seed))
                var board = Scoreboard(connections: 2, boards: 2)
                let hasBoards = board.grow(to: 2)
                #expect(hasBoards)
                let base = SequenceNumber(0xFFFF_FF00)
                var model = [Bool](repeating: false, count: 600)
                var una = 0
                for _ in 0..<60 {
                    let left = una + 1 + Int(random.below(400))
                    let right = min(left + 1 + Int(random.below(60)), 600)
                    guard left < right else { break }
                    let isNew = (left..<right).contains { !model[$0] }
                    let wasNew = board.add(1, base + left, base + right)
                    #expect(wasNew == isNew)
                    for i in left..<right { model[i] = true }
                    if random.below(4) == 0 {
                        una = min(una + Int(random.below(20)), 590)
                        board.advance(1, to: base + una)
                        for i in 0..<una { model[i] = false }
                    }
                    let total = board.bytes(1, from: base + una, to: base + 600)
                    #expect(total == model[una...].count { $0 })
                    let hole = board.hole(1, from: base + una, limit: base + 600)
                    let start = model[una...].firstIndex(of: false) ?? 600
                    #expect(hole.start == base + start)
                    #expect(hole.end == base + (model[start...].firstIndex(of: true) ?? 600))
                    let other = board.isEmpty(0)
                    #expect(other)
                }
            }
        }

        @Test("O-02: SipHash-2-4 gives its authors' value for the message and the key of bytes 0 to 15")
        func sipHash() {
            let hash = KeyedHash(k0: 0x0706_0504_0302_0100, k1: 0x0F0E_0D0C_0B0A_0908)
            #expect(hash.sipHash(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908) == 0x3F2A_CC7F_57C2_9BDB)
        }

        @Test("A-11: sequence numbers compare around the circle")
        func sequenceNumbers() {
            let low = SequenceNumber(5)
            let high = SequenceNumber(0xFFFF_FFF0)
            #expect(high < low && low > high && low.distance(from: high) == 21 && high + 21 == low)
            #expect(low - 21 == high && SequenceNumber.later(low, high) == low && low <= low && low >= low)
        }
    }
#endif
