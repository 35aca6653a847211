internal import DeviceMemory

/// What became of sends from a region: all of a connection from `first` to `last`, in the order of their numbers.
@frozen public struct SendCompletion: Sendable, Hashable, BitwiseCopyable {
    /// Whose sends they were; the connection may be gone.
    public let connection: ConnectionID
    /// The connection's number of the first send.
    public let first: UInt32
    /// The connection's number of the last.
    public internal(set) var last: UInt32
    /// Every byte was acknowledged by the peer; otherwise the connection ended before.
    public let isAcknowledged: Bool
}

/// The owner of what applications send from regions: counts the packets of each send, and tells of the last one's end.
///
/// A send's memory may be changed once it is completed, and not before: bytes that are repeated are read again where they are.
/// Completions that follow one another are told as one, like those of Linux's zero-copy sends.
struct SendTickets: ~Copyable, ZeroCopyOwner {
    struct Ticket: BitwiseCopyable {
        var connection: ConnectionID
        var number: UInt32
        var packets: UInt32
        var next: Int32
        var failed: Bool
    }

    private var tickets: Slab<Ticket>
    private var firstFree: Int32
    private var used = 0
    // One completion at most comes of each ticket, and there is none for a send without room for it: the ring never overflows.
    private var ring: Slab<SendCompletion>
    private var head = 0
    private var tail = 0

    /// Room for `count` sends under way or not yet told of.
    init(count: Int) {
        let nobody = ConnectionID(rawValue: .max)
        tickets = Slab(count: count) { i in
            Ticket(
                connection: nobody, number: 0, packets: 0, next: i + 1 < count ? Int32(i + 1) : -1, failed: false)
        }
        firstFree = count > 0 ? 0 : -1
        ring = Slab(
            count: max(count, 1),
            repeating: SendCompletion(connection: nobody, first: 0, last: 0, isAcknowledged: false))
    }

    /// Whether one more send can be counted.
    var hasRoom: Bool { used + tail - head < tickets.count }

    /// A new send; its label. The caller has asked for room.
    mutating func issue(_ connection: ConnectionID, number: UInt32) -> UInt32 {
        let at = Int(firstFree)
        firstFree = tickets[at].next
        used += 1
        tickets[at] = Ticket(connection: connection, number: number, packets: 0, next: -1, failed: false)
        return UInt32(at)
    }

    var flags: PacketFlags { [.unreadable, .tellsEnd] }

    mutating func retain(_ label: UInt32) { tickets[Int(label)].packets &+= 1 }

    mutating func complete(_ label: UInt32, _ packet: PlacedPacket?, success: Bool) {
        let at = Int(label)
        if !success { tickets[at].failed = true }
        tickets[at].packets &-= 1
        guard tickets[at].packets == 0 else { return }
        let ticket = tickets[at]
        free(label)
        tell(ticket.connection, ticket.number, isAcknowledged: !ticket.failed)
    }

    mutating func abort(_ label: UInt32) { free(label) }

    private mutating func free(_ label: UInt32) {
        tickets[Int(label)].next = firstFree
        firstFree = Int32(label)
        used -= 1
    }

    private mutating func tell(_ connection: ConnectionID, _ number: UInt32, isAcknowledged: Bool) {
        if tail != head {
            let newest = ring[(tail - 1) % ring.count]
            if newest.connection == connection && newest.last &+ 1 == number
                && newest.isAcknowledged == isAcknowledged
            {
                ring[(tail - 1) % ring.count].last = number
                return
            }
        }
        ring[tail % ring.count] = SendCompletion(
            connection: connection, first: number, last: number, isAcknowledged: isAcknowledged)
        tail += 1
    }

    /// The oldest completion that was not taken; `nil` when there is none.
    mutating func next() -> SendCompletion? {
        guard tail != head else { return nil }
        defer { head += 1 }
        return ring[head % ring.count]
    }
}
