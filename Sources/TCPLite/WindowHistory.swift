internal import DeviceMemory
public import Timeline

/// Something that happened to a connection's windows, and how they were afterwards.
@frozen public struct WindowChange: Sendable, Hashable, BitwiseCopyable {
    /// What happened.
    @frozen public enum Cause: UInt8, Sendable, Hashable, BitwiseCopyable {
        /// Duplicate ACKs or SACK blocks said that something is lost (RFC 5681, section 3.2), or the timer did (section 3.1).
        case lossReported, timeout
        /// All that was out when that happened has been acknowledged.
        case recovered
        /// The peer closed its window, or opened it again.
        case peerClosed, peerReopened
        /// An ACK of this side closed the window, or opened it again.
        case closed, reopened
    }

    public var at: Instant
    public var cause: Cause
    /// Congestion window and slow-start threshold in bytes; the threshold is the largest number as long as there is none.
    public var cwnd: Int32
    public var ssthresh: Int32
    /// Bytes sent and not acknowledged.
    public var inFlight: Int32
    /// SND.WND and RCV.WND in bytes.
    public var peerWindow: Int32
    public var ownWindow: Int32
}

/// The last changes of a connection's windows, oldest first. What happens with every segment is none: only what stops or
/// starts a sender.
@frozen public struct WindowHistory: RandomAccessCollection, Sendable, BitwiseCopyable {
    /// Changes that are remembered.
    public static var capacity: Int { 8 }

    private var changes: InlineArray<8, WindowChange>
    /// Changes that there were, forgotten ones included, modulo 2^32.
    public private(set) var total: UInt32

    public var startIndex: Int { 0 }
    public var endIndex: Int { Swift.min(Int(total), WindowHistory.capacity) }

    public subscript(position: Int) -> WindowChange {
        precondition(position >= 0 && position < endIndex)
        return changes[Int(total &- UInt32(endIndex) &+ UInt32(position)) % WindowHistory.capacity]
    }

    mutating func append(_ change: WindowChange) {
        changes[Int(total) % WindowHistory.capacity] = change
        // A count that began anew would forget what is remembered.
        total = total == .max ? .max / 2 &+ 1 : total &+ 1
    }

    mutating func removeAll() { total = 0 }
}

extension WindowHistory: Hashable {
    public static func == (a: WindowHistory, b: WindowHistory) -> Bool { a.total == b.total && a.elementsEqual(b) }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(total)
        for change in self { hasher.combine(change) }
    }
}

extension TCPStack {
    /// Remembers what has just happened to a connection's windows.
    @inline(never) mutating func record(_ cause: WindowChange.Cause, _ i: Int, _ now: Instant) {
        let own = connections[i].rcv.adv.distance(from: connections[i].rcv.nxt)
        windows[i].append(
            WindowChange(
                at: now, cause: cause, cwnd: connections[i].snd.cwnd, ssthresh: connections[i].snd.ssthresh,
                inFlight: Int32(truncatingIfNeeded: connections[i].snd.flight), peerWindow: connections[i].snd.wnd,
                ownWindow: Int32(clamping: max(own, 0))))
    }
}
