#if DEBUG
    import Packets
    @testable import TCPLite
    import Testing
    import Timeline

    /// The flow table by itself: tags instead of flows, and places that a dictionary keeps too.
    @Suite struct FlowTableTests {
        /// A table and what should be in it; tags are few, so that many flows share one.
        private struct Model: ~Copyable {
            var table: FlowTable
            var tags: [Int: UInt32] = [:]
            var nextPlace = 0
            var growths = 0

            init(expecting: Int) { table = FlowTable(expecting: expecting) }

            /// The place that a search for this flow ends at, and entries looked at; -1 when it finds none.
            func search(_ place: Int, _ tag: UInt32) -> (found: Int, looked: Int) {
                var at = Int(tag)
                var found = table.next(tag, &at)
                while found >= 0 && found != place { found = table.next(tag, &at) }
                var looked = at - Int(tag) + 1
                if found < 0 && table.isMoving {
                    at = Int(tag)
                    found = table.nextUnmoved(tag, &at)
                    while found >= 0 && found != place { found = table.nextUnmoved(tag, &at) }
                    looked += at - Int(tag) + 1
                }
                return (found, looked)
            }

            mutating func open(_ tag: UInt32) -> Bool {
                let wasMoving = table.isMoving
                guard table.makeRoom() else { return false }
                if table.isMoving && !wasMoving { growths += 1 }
                table.insert(tag, nextPlace)
                tags[nextPlace] = tag
                nextPlace += 1
                return true
            }

            mutating func close(_ place: Int) {
                guard let tag = tags.removeValue(forKey: place) else { return }
                table.remove(tag, place)
            }
        }

        @Test(
            "the table holds what a dictionary holds, while it grows and flows come and go in both of its halves",
            arguments: 0..<20)
        func againstADictionary(_ seed: Int) {
            var random = SeededGenerator(seed: UInt64(seed))
            var model = Model(expecting: 4)
            // As many different tags as flows, or a hundredth: then flows share tags, and runs are long.
            let spread: UInt32 = seed % 2 == 0 ? .max : 37
            var wasRemovedWhileMoving = 0
            for step in 0..<6000 {
                let isGrowing = (step / 1500) % 2 == 0
                if random.below(10) < (isGrowing ? 8 : 3) {
                    let opened = model.open(
                        spread == .max ? UInt32(truncatingIfNeeded: random.next()) : random.below(spread))
                    #expect(opened)
                } else {
                    // Also one that is not there.
                    let place = Int(random.below(UInt32(model.nextPlace + 1)))
                    if model.table.isMoving && model.tags[place] != nil { wasRemovedWhileMoving += 1 }
                    model.close(place)
                }
                if random.below(16) == 0 && model.table.isMoving { model.table.move(Int(random.below(9))) }
                for _ in 0..<4 {
                    let place = Int(random.below(UInt32(model.nextPlace + 2)))
                    guard let tag = model.tags[place] else { continue }
                    let found = model.search(place, tag).found
                    #expect(found == place)
                }
                let count = model.table.count
                #expect(count == model.tags.count)
            }
            for (place, tag) in model.tags {
                let found = model.search(place, tag).found
                #expect(found == place)
            }
            let gone = (0..<model.nextPlace).filter { model.tags[$0] == nil }
            for place in gone.prefix(500) {
                for tag in [UInt32(place), 0, 7] {
                    let found = model.search(place, tag).found
                    #expect(found == -1)
                }
            }
            #expect(model.growths >= 6 && wasRemovedWhileMoving > 0)
        }

        @Test(
            "one opening moves a bounded number of flows, and a search looks at few entries at every moment of growth")
        func boundedWork() {
            var random = SeededGenerator(seed: 11)
            var model = Model(expecting: 8)
            var worst = 0
            var total = 0
            var searches = 0
            var movingOpenings = 0
            for _ in 0..<40_000 {
                let before = model.table.unmoved
                let opened = model.open(UInt32(truncatingIfNeeded: random.next()))
                #expect(opened)
                let after = model.table.unmoved
                if after > 0 { movingOpenings += 1 }
                // A run of a table that is half full, and never more: 16 entries and what is left of the last run.
                if before > after { #expect(before - after <= FlowTable.step + 100) }
                let place = Int(random.below(UInt32(model.nextPlace)))
                guard let tag = model.tags[place] else { continue }
                let looked = model.search(place, tag).looked
                worst = max(worst, looked)
                total += looked
                searches += 1
            }
            #expect(movingOpenings > 1000)
            // Knuth, section 6.4: 1.5 entries on average at half load; two tables while one is moved.
            #expect(Double(total) / Double(searches) < 3)
            #expect(worst < 100)
        }

        @Test(
            "flows are spread evenly even by keys of few bits, and by ports that follow each other",
            arguments: [0, 1, 2, 1 << 40])
        func weakKeys(_ key: UInt64) {
            let hash = KeyedHash(k0: key, k1: 2)
            var tags: Set<UInt32> = []
            var buckets: [UInt32: Int] = [:]
            for host in 0..<16 {
                for port in 0..<256 {
                    let flow = FlowKey(
                        remote: IPv4Address(10, 0, 0, UInt8(host)), remotePort: UInt16(50_000 + port), localPort: 80)
                    let tag = flow.tag(hash)
                    tags.insert(tag)
                    buckets[tag & 8191, default: 0] += 1
                }
            }
            // Of 4096 random tags none is expected twice, and no bucket of twice as many to have more than 8.
            #expect(tags.count >= 4095 && (buckets.values.max() ?? 0) <= 8)
        }

        @Test("growing ends by itself: the old table is empty long before the new one is half full")
        func movingEnds() {
            var random = SeededGenerator(seed: 12)
            var model = Model(expecting: 512)
            while !model.table.isMoving {
                let opened = model.open(UInt32(truncatingIfNeeded: random.next()))
                #expect(opened)
            }
            let atStart = model.tags.count
            while model.table.isMoving {
                let opened = model.open(UInt32(truncatingIfNeeded: random.next()))
                #expect(opened)
            }
            #expect(model.tags.count - atStart <= 2 * atStart / FlowTable.step + 1)
        }
    }
#endif
