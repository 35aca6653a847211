internal import DeviceMemory
public import Packets
public import Timeline

/// A wire that writes what passes another wire, in both directions, to a capture file.
///
/// Frames are stamped with the time of the burst that moved them, so a run in virtual time gives the same file each time.
/// What is written reaches the file at ``flush()``, ``close()`` or when the value ends; only the first two report a full
/// disk.
public struct PcapCapture<Inner: Wire & ~Copyable>: Wire, ~Copyable {
    /// The wire underneath.
    public var inner: Inner
    var tap: CaptureTap

    /// Creates `path`, or empties it, and captures what passes `inner`; `frameCapacity` is the longest frame in bytes.
    ///
    /// - Throws: ``WireError/cannotWriteCapture(path:reason:)``.
    public init(_ inner: consuming Inner, path: String, frameCapacity: Int) throws(WireError) {
        let opened = try CaptureTap(path: path, frameCapacity: frameCapacity)
        self.inner = inner
        tap = opened
    }

    public mutating func receive(
        into queue: inout FrameQueue, now: Instant, limit: Int
    ) throws(WireError) -> Int {
        try sendWaiting(now: now)
        var moved = 0
        // Frames that did not fit count too, so that a flood of them cannot keep the caller here.
        var taken = 0
        while moved < limit && taken < limit && !queue.isFull {
            let wanted = min(limit &- moved, min(queue.depth &- queue.count, tap.passing.depth))
            let count = try inner.receive(into: &tap.passing, now: now, limit: wanted)
            if count == 0 { break }
            taken &+= count
            moved &+= tap.record(to: &queue, now: now)
        }
        return moved
    }

    public mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        let before = queue.count
        try sendWaiting(now: now)
        while !queue.isEmpty && !tap.waiting.isFull {
            tap.record(from: &queue, now: now)
            try sendWaiting(now: now)
        }
        return before &- queue.count
    }

    public var nextDeadline: Instant { tap.waiting.isEmpty ? inner.nextDeadline : .zero }

    public var isFinished: Bool { inner.isFinished }

    /// Frames written so far, both directions together.
    public var capturedFrames: UInt64 { tap.count }

    /// Frames that were captured but are too long for the queues, and so went no further.
    public var oversizedFrames: UInt64 { tap.oversized }

    /// Makes sure that the file holds everything captured so far.
    ///
    /// - Throws: ``WireError/cannotWriteCapture(path:reason:)``.
    public func flush() throws(WireError) { try tap.flush() }

    /// Flushes and closes the file and gives the wire underneath back.
    ///
    /// - Throws: ``WireError/cannotWriteCapture(path:reason:)``; the wire underneath ends then.
    public consuming func close() throws(WireError) -> Inner {
        try tap.flush()
        return inner
    }

    mutating func sendWaiting(now: Instant) throws(WireError) {
        if !tap.waiting.isEmpty { _ = try inner.transmit(from: &tap.waiting, now: now) }
    }
}

/// The part of a capture that does not depend on the wire underneath.
struct CaptureTap: ~Copyable {
    /// Frames on their way to the NIC, within one call.
    var passing: FrameQueue
    /// Frames from the NIC, captured, that the wire underneath has not taken yet.
    var waiting: FrameQueue
    private let writer: CaptureWriter
    private(set) var count: UInt64 = 0
    private(set) var oversized: UInt64 = 0

    init(path: String, frameCapacity: Int) throws(WireError) {
        let opened = try CaptureWriter(path: path)
        passing = FrameQueue(depth: 64, frameCapacity: frameCapacity)
        waiting = FrameQueue(depth: 64, frameCapacity: frameCapacity)
        writer = opened
    }

    /// Writes and moves everything that passes; returns how many frames `queue` took.
    mutating func record(to queue: inout FrameQueue, now: Instant) -> Int {
        var moved = 0
        while !passing.isEmpty {
            writer.write(passing.front, at: now)
            count &+= 1
            if queue.push(passing.front, offload: passing.frontOffload, mark: passing.frontMark) {
                moved &+= 1
            } else {
                oversized &+= 1
            }
            passing.popFront()
        }
        return moved
    }

    /// Writes and takes what the NIC sends, as far as there is room.
    mutating func record(from queue: inout FrameQueue, now: Instant) {
        while !queue.isEmpty && !waiting.isFull {
            writer.write(queue.front, at: now)
            count &+= 1
            if !waiting.push(queue.front, offload: queue.frontOffload, mark: queue.frontMark) { oversized &+= 1 }
            queue.popFront()
        }
    }

    func flush() throws(WireError) { try writer.flush() }
}
