// Tests of what is internal to the module.
#if DEBUG
    import DeviceMemory
    import PagePool
    @testable import TCPLite
    import Testing

    /// An owner of a third kind: writes down what it is told, and what the pool's books say at that moment.
    private struct RecordingOwner: ZeroCopyOwner, ~Copyable {
        var flags: PacketFlags { PacketFlags(rawValue: 0x8000) }
        var retained: [UInt32] = []
        var completed: [(label: UInt32, packet: PlacedPacket?, success: Bool)] = []
        var aborted: [UInt32] = []

        mutating func retain(_ label: UInt32) { retained.append(label) }
        mutating func complete(_ label: UInt32, _ packet: PlacedPacket?, success: Bool) {
            completed.append((label, packet, success))
        }
        mutating func abort(_ label: UInt32) { aborted.append(label) }
    }

    /// A pool with one slot in transmission, and the piece that stands for it.
    private struct Bed: ~Copyable {
        var pools = PoolTable(
            PagePool(
                identifier: 0,
                provider: MemoryProvider(deviceRegionAt: IOVA(0x1000), slotSize: 2048, slotCount: 4)))
        var pieces = SendPieces(count: 2)
        var side = PlacedSide()

        mutating func queue(_ label: UInt32, _ flags: PacketFlags) {
            guard let slot = pools.pools[0].lend() else { preconditionFailure("no slot") }
            let fragment = pools.pools[0].arrive(slot, offset: 0, length: 100)
            let netmem = fragment.netmem
            _ = pools.pools[0].queueForTransmit(fragment)
            pieces.append(
                SendPiece(
                    start: SequenceNumber(0), length: 100, iova: IOVA(0x1000), netmem: netmem, before: 0, references: 0,
                    next: -1, label: label, origin: ConnectionID(rawValue: 0), flags: flags, application: 0,
                    isRelayed: false,
                    hasEnded: false, isAcknowledged: false), to: &side)
        }

        /// Ends the oldest run and frees it; slots that transmissions held just before and just after.
        mutating func end<Owner: ZeroCopyOwner & ~Copyable>(
            _ owner: inout Owner, success: Bool
        ) -> (before: Int, after: Int) {
            let before = pools.pools[0].ledger().transmit
            let (at, isFree) = pieces.endFirst(&side, isAcknowledged: success)
            if isFree { pieces.free(at, &owner, &pools) }
            return (before, pools.pools[0].ledger().transmit)
        }
    }

    @Suite struct ZeroCopyOwnerTests {
        @Test(
            "an owner of any kind is told once, with the packet and the outcome, and nobody asks what it is (S1.01, S1.04, S1.15, S1.18)"
        )
        func anyOwner() {
            var bed = Bed()
            var owner = RecordingOwner()
            let flags = owner.flags
            bed.queue(7, flags)
            let slots = bed.end(&owner, success: true)
            #expect(slots.before == 1 && slots.after == 0)
            #expect(owner.completed.count == 1 && owner.completed[0].label == 7 && owner.completed[0].success)
            let packet = owner.completed[0].packet
            #expect(packet?.slot == 0 && packet?.length == 100 && packet?.flags == PacketFlags(rawValue: 0x8000))
            #expect(bed.pools.pools[0].freeCount == 4 && bed.pieces.freeCount == 2)
        }

        @Test("the owner is told while the slot is still held, and finds it in the books (S1.05)")
        func order() {
            // Looks at the books while they are lent to the caller: what a callback inside the pool's own module could do.
            @safe struct Looking: ZeroCopyOwner, ~Copyable {
                let pools: UnsafePointer<PoolTable>
                var held: [Int] = []
                var flags: PacketFlags { .unreadable }
                mutating func retain(_ label: UInt32) {}
                mutating func complete(_ label: UInt32, _ packet: PlacedPacket?, success: Bool) {
                    held.append(unsafe pools.pointee.pools[0].ledger().transmit)
                }
                mutating func abort(_ label: UInt32) {}
            }
            var bed = Bed()
            bed.queue(1, .unreadable)
            let (at, _) = bed.pieces.endFirst(&bed.side, isAcknowledged: true)
            var pieces = SendPieces(count: 0)
            swap(&pieces, &bed.pieces)
            let held = unsafe withUnsafeMutablePointer(to: &bed.pools) { pools in
                var owner = unsafe Looking(pools: UnsafePointer(pools))
                unsafe pieces.free(at, &owner, &pools.pointee)
                return owner.held
            }
            #expect(held == [1] && bed.pools.pools[0].ledger().transmit == 0)
        }

        @Test("a static owner is nothing at all, a counted one counts (S1.02, S1.03, S1.13)")
        func kinds() {
            #expect(MemoryLayout<StaticOwner>.size == 0)
            var bed = Bed()
            var nobody = StaticOwner()
            let plain = nobody.flags
            bed.queue(0, plain)
            let slots = bed.end(&nobody, success: false)
            #expect(slots.after == 0 && plain == .unreadable)
            var tickets = SendTickets(count: 2)
            let flags = tickets.flags
            let id = ConnectionID(rawValue: 5)
            let label = tickets.issue(id, number: 9, application: 0)
            for _ in 0..<2 {
                tickets.retain(label)
                bed.queue(label, flags)
            }
            _ = bed.end(&tickets, success: true)
            let early = tickets.next(0)
            _ = bed.end(&tickets, success: true)
            let done = tickets.next(0)
            #expect(early == nil && done?.connection == id && done?.first == 9 && done?.isAcknowledged == true)
            #expect(flags == [.unreadable, .tellsEnd])
        }

        @Test("sends given up before they were queued are told of to nobody, and their place is free (S1.01)")
        func abort() {
            var tickets = SendTickets(count: 2)
            let id = ConnectionID(rawValue: 5)
            for number in 0..<100 as Range<UInt32> {
                let label = tickets.issue(id, number: number, application: 0)
                tickets.abort(label)
            }
            let told = tickets.next(0)
            let hasRoom = tickets.hasRoom(0)
            #expect(told == nil && hasRoom)
        }

        @Test("completions that nobody takes hold up sends, never one another (U.28)")
        func untaken() {
            var tickets = SendTickets(count: 3)
            let room = (0..<6).map { n in
                guard tickets.hasRoom(0) else { return false }
                // Two connections in turn, so that none is merged.
                let label = tickets.issue(
                    ConnectionID(rawValue: UInt32(n % 2)), number: UInt32(n), application: 0)
                tickets.retain(label)
                tickets.complete(label, nil, success: true)
                return true
            }
            let numbers = (0..<4).map { _ in tickets.next(0)?.first }
            #expect(room == [true, true, true, false, false, false] && numbers == [0, 1, 2, nil])
        }

        @Test("each application has its share of places, and what one leaves behind is told to nobody (U.28, U.31)")
        func shares() {
            var tickets = SendTickets(count: 4, applications: 2)
            var labels: [UInt32] = []
            while tickets.hasRoom(0), labels.count < 4 {
                labels.append(tickets.issue(ConnectionID(rawValue: 1), number: UInt32(labels.count), application: 0))
                tickets.retain(labels[labels.count - 1])
            }
            let other = tickets.hasRoom(1)
            #expect(labels.count == 2 && other)
            tickets.complete(labels[0], nil, success: true)
            tickets.forget(0)
            // Another is in its place when the rest ends.
            tickets.complete(labels[1], nil, success: true)
            let told = tickets.next(0)
            var again = 0
            while tickets.hasRoom(0), again < 4 {
                _ = tickets.issue(ConnectionID(rawValue: 2), number: UInt32(again), application: 0)
                again += 1
            }
            #expect(told == nil && again == 2)
        }

        @Test("each application has its share of runs (U.31)")
        func runs() {
            var bed = Bed()
            bed.pieces = SendPieces(count: 2, applications: 2)
            bed.queue(0, .unreadable)
            let (mine, others) = (bed.pieces.room(for: 0), bed.pieces.room(for: 1))
            #expect(mine == 0 && others == 1)
            var nobody = StaticOwner()
            _ = bed.end(&nobody, success: true)
            let after = bed.pieces.room(for: 0)
            #expect(after == 1)
        }
    }
#endif
