internal import Timeline

/// The receiving half of a connection: RFC 9293's RCV variables and what is held for it.
struct ReceiveSide: BitwiseCopyable {
    /// RCV.NXT.
    var nxt = SequenceNumber(0)
    /// The furthest right edge ever advertised: data before it is accepted, whatever later ACKs were rounded to
    /// (RFC 7323, section 2.4).
    var adv = SequenceNumber(0)
    /// Last.ACK.sent (RFC 7323, section 4.3).
    var lastACK = SequenceNumber(0)
    /// IRS.
    var irs = SequenceNumber(0)
    /// Our segment size as advertised.
    var mss: Int32 = 536
    /// Shift of the windows that we advertise.
    var scale: UInt8 = 0

    /// R: slots guaranteed to this flow.
    var guarantee: Int32 = 0
    /// Slots of this flow that the stack or the application holds, or more: a slot in several pieces counts with each.
    var held: Int32 = 0
    /// Records beyond ``held``: pieces that demands cut off. Which of a slot's records comes back last is not known, so the
    /// first to come back count as these.
    var cuts: Int32 = 0
    /// Whose connection it is.
    var owner: Int32 = 0
    /// The pool that its fragments come from as a rule, which was found to be allowed; -1 when none was.
    var pool: Int32 = -1
    /// No slots are guaranteed, and it draws on what its owner has left.
    var isShared = false
    /// Only what is demanded is delivered.
    var isPull = false
    /// The application took or returned something since the accounts were last looked at.
    var isTouched = false
    /// The stall has been reported.
    var isStalled = false
    /// Bytes demanded and not delivered, and bytes to be dropped without delivering them.
    var demand = 0
    var discarding = 0
    /// Bytes that may be delivered before it is another connection's turn.
    var turn = 0
    /// Nanoseconds that data has waited.
    var waited: UInt64 = 0
    /// Host-memory payload bytes that the stack or the application holds.
    var linearHeld: Int32 = 0
    /// Payload bytes that a slot is expected to hold.
    var unit: Int32 = 268
    var sizes = SlotFill()

    /// Pieces at and before RCV.NXT that wait for the application.
    var ready = PieceList()
    /// Out-of-order ranges in stream order, and how many.
    var firstRange: Int32 = -1
    var lastRange: Int32 = -1
    var rangeCount: Int32 = 0
    /// Bytes in them.
    var outOfOrder: Int32 = 0
    /// Ranges in the order in which they last grew, latest first: what SACK reports.
    var recent = RecentRanges()

    /// Whether data that came twice is reported (RFC 2883), and what of it the next ACK is to report; empty for nothing.
    var reportsDuplicates = false
    var duplicateStart = SequenceNumber(0)
    var duplicateEnd = SequenceNumber(0)

    /// Where the peer's FIN stands.
    var finAt = SequenceNumber(0)
    var hasFIN = false
    /// It is among those whose data waits, or did when the accounts were last looked at.
    var isHolding = false

    /// Segments with data since the last ACK.
    var unacknowledged: Int32 = 0
    /// An ACK is owed at once.
    var ackNow = false
    /// Further duplicate ACKs owed to a peer that counts them.
    var duplicatesOwed: Int32 = 0
    /// When the delayed ACK is due.
    var ackDeadline = Instant.never

    /// Whether an ACK has blocks to carry.
    @inline(__always) var hasReport: Bool { firstRange >= 0 || duplicateStart != duplicateEnd }

    /// Notes bytes that came again; what touches the last such bytes joins them, anything else takes their place.
    mutating func noteDuplicate(_ start: SequenceNumber, _ end: SequenceNumber) {
        guard reportsDuplicates, start < end else { return }
        if duplicateStart != duplicateEnd && start == duplicateEnd {
            duplicateEnd = end
        } else {
            duplicateStart = start
            duplicateEnd = end
        }
    }
}

/// The four ranges that grew last, latest first.
struct RecentRanges: BitwiseCopyable {
    var a: Int32 = -1
    var b: Int32 = -1
    var c: Int32 = -1
    var d: Int32 = -1

    /// Moves `range` to the front.
    mutating func touch(_ range: Int32) {
        if a == range { return }
        if b == range {
            b = a
        } else if c == range {
            c = b
            b = a
        } else {
            d = c
            c = b
            b = a
        }
        a = range
    }

    /// Forgets `range`.
    mutating func remove(_ range: Int32) {
        if a == range {
            a = b
            b = c
            c = d
            d = -1
        } else if b == range {
            b = c
            c = d
            d = -1
        } else if c == range {
            c = d
            d = -1
        } else if d == range {
            d = -1
        }
    }
}

/// How full a flow's slots have been of late: what a window may be computed from.
///
/// The unit is the smaller of the averages over the last two periods of 32 slots. An average, because one short segment
/// at the end of a message must not shrink the window to nothing; the smaller of two, because a promise made for large
/// segments must hold when small ones follow. The eighth of R that is never promised covers what is left.
struct SlotFill: BitwiseCopyable {
    private var bytes: Int32 = 0
    private var slots: Int32 = 0
    private var previous: Int32 = .max
    /// Host-memory payload seen in this period.
    private var linearBytes: Int32 = 0
    /// Whether windows must regard host memory: until the first period without host-memory payload has passed.
    private(set) var usesLinear = true

    /// Counts a slot with `length` bytes; returns the new unit when a period has ended.
    @inline(__always) mutating func add(_ length: Int32, unit: Int32) -> Int32 {
        bytes &+= length
        slots &+= 1
        if slots < 32 { return unit }
        let average = max(bytes / 32, 1)
        let smaller = min(average, previous)
        previous = average
        usesLinear = linearBytes > 0
        bytes = 0
        slots = 0
        linearBytes = 0
        return smaller
    }

    /// Counts `length` bytes more in the slot counted last.
    mutating func extend(_ length: Int32) { bytes &+= length }

    /// Counts payload in host memory.
    mutating func addLinear(_ length: Int32) {
        linearBytes = linearBytes > 1 << 30 ? linearBytes : linearBytes &+ length
        usesLinear = true
    }
}
