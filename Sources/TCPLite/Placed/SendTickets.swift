internal import DeviceMemory

/// What became of sends from a region: all of a connection from `first` to `last`, in the order of their numbers.
@frozen public struct SendCompletion: Sendable, Hashable, BitwiseCopyable {
    /// Whose sends they were; the connection may be gone.
    public let connection: ConnectionID
    /// The connection's number of the first send.
    public let first: UInt32
    /// The connection's number of the last.
    public let last: UInt32
    /// Every byte was acknowledged by the peer; otherwise the connection ended before.
    public let isAcknowledged: Bool
}

/// The owner of what applications send from regions: counts the packets of each send, and tells of the last one's end.
///
/// A send's memory may be changed once it is completed, and not before: bytes that are repeated are read again where they are.
/// Completions that follow one another are told as one, like those of Linux's zero-copy sends. Each application has its share of
/// the places, so that one that takes no completions holds up nobody but itself.
struct SendTickets: ~Copyable, ZeroCopyOwner {
    struct Ticket: BitwiseCopyable {
        var connection: ConnectionID
        var number: UInt32
        /// Once it is completed: the last of the sends that it stands for.
        var last: UInt32
        var packets: UInt32
        var next: Int32
        /// The application; -1: it is gone.
        var application: Int32
        var isFree: Bool
        var failed: Bool
    }

    /// An application's completions, oldest first, and the places that it has.
    struct Desk: BitwiseCopyable {
        var first: Int32 = -1
        var last: Int32 = -1
        var used: Int32 = 0
    }

    private var tickets: Slab<Ticket>
    private var firstFree: Int32
    private var desks: Slab<Desk>
    private let share: Int32

    /// Room for `count` sends under way or not yet told of, shared evenly between `applications`.
    init(count: Int, applications: Int = 1) {
        tickets = Slab(count: count) { i in
            Ticket(
                connection: ConnectionID(rawValue: 0), number: 0, last: 0, packets: 0,
                next: i + 1 < count ? Int32(i + 1) : -1, application: -1, isFree: true, failed: false)
        }
        firstFree = count > 0 ? 0 : -1
        desks = Slab(count: applications, repeating: Desk())
        share = Int32(count == 0 ? 0 : max(count / applications, 1))
    }

    /// Whether one more send of an application can be counted.
    func hasRoom(_ application: Int) -> Bool { firstFree >= 0 && desks[application].used < share }

    /// A new send; its label. The caller has asked for room.
    mutating func issue(_ connection: ConnectionID, number: UInt32, application: Int) -> UInt32 {
        let at = Int(firstFree)
        firstFree = tickets[at].next
        desks[application].used += 1
        tickets[at] = Ticket(
            connection: connection, number: number, last: number, packets: 0, next: -1,
            application: Int32(application), isFree: false, failed: false)
        return UInt32(at)
    }

    var flags: PacketFlags { [.unreadable, .tellsEnd] }

    mutating func retain(_ label: UInt32) { tickets[Int(label)].packets &+= 1 }

    mutating func complete(_ label: UInt32, _ packet: PlacedPacket?, success: Bool) {
        let at = Int(label)
        if !success { tickets[at].failed = true }
        tickets[at].packets &-= 1
        guard tickets[at].packets == 0 else { return }
        guard tickets[at].application >= 0 else { return free(Int32(at)) }
        tell(Int32(at))
    }

    mutating func abort(_ label: UInt32) { free(Int32(label)) }

    private mutating func free(_ at: Int32) {
        let application = tickets[Int(at)].application
        if application >= 0 { desks[Int(application)].used -= 1 }
        tickets[Int(at)].isFree = true
        tickets[Int(at)].next = firstFree
        firstFree = at
    }

    /// Appends a send that is over to its application's completions, or to the last of them.
    private mutating func tell(_ at: Int32) {
        let done = tickets[Int(at)]
        let desk = Int(done.application)
        let newest = desks[desk].last
        if newest >= 0 {
            let before = tickets[Int(newest)]
            if before.connection == done.connection && before.last &+ 1 == done.number && before.failed == done.failed {
                tickets[Int(newest)].last = done.number
                return free(at)
            }
            tickets[Int(newest)].next = at
        } else {
            desks[desk].first = at
        }
        desks[desk].last = at
    }

    /// The oldest completion of an application that it has not taken; `nil` when there is none.
    mutating func next(_ application: Int) -> SendCompletion? {
        let at = desks[application].first
        guard at >= 0 else { return nil }
        let ticket = tickets[Int(at)]
        desks[application].first = ticket.next
        if ticket.next < 0 { desks[application].last = -1 }
        free(at)
        return SendCompletion(
            connection: ticket.connection, first: ticket.number, last: ticket.last, isAcknowledged: !ticket.failed)
    }

    /// An application is gone: nobody is told of its sends, those that are under way included.
    mutating func forget(_ application: Int) {
        while next(application) != nil {}
        for at in 0..<tickets.count where !tickets[at].isFree && tickets[at].application == Int32(application) {
            tickets[at].application = -1
        }
        desks[application] = Desk()
    }
}
