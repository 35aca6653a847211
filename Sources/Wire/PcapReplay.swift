internal import DeviceMemory
public import Packets
public import Timeline

/// A capture file as the far end: its frames arrive with the time offsets that they had, counted from the first poll.
///
/// Frames that the capture cut short (snaplen) cannot be replayed: they are counted and skipped. A file that is damaged
/// or cut plays up to that point and says so in ``problem``. What the NIC transmits is counted and forgotten.
public struct PcapReplay: Wire, ~Copyable {
    private var reader: CaptureReader
    private var current: CaptureReader.Frame?
    private var start: Instant?
    /// Counters since the start.
    public private(set) var statistics = WireStatistics()
    /// Frames that the capture file does not hold in full, skipped.
    public private(set) var truncatedFrames: UInt64 = 0

    /// Opens a pcap or pcapng file of Ethernet frames.
    ///
    /// - Throws: ``WireError/cannotOpenCapture(path:reason:)``, ``WireError/notEthernet(path:linkType:)``.
    public init(path: String) throws(WireError) {
        var opened = try CaptureReader(path: path)
        current = opened.next()
        reader = opened
    }

    /// Whether every frame has been delivered or skipped.
    public var isFinished: Bool { current == nil }
    /// Why the replay ended before the end of the file; `nil` when it did not.
    public var problem: String? { reader.problem }

    public mutating func receive(
        into queue: inout FrameQueue, now: Instant, limit: Int
    ) throws(WireError) -> Int {
        let origin = start ?? now
        start = origin
        var moved = 0
        while moved < limit, !queue.isFull, let frame = current {
            // A stamp before its predecessor's is due with it: frames keep the order of the file.
            guard origin + frame.offset <= now else { break }
            if frame.bytes.count < frame.originalLength {
                truncatedFrames &+= 1
            } else if queue.push(frame.bytes) {
                statistics.receivedFrames &+= 1
                statistics.receivedBytes &+= UInt64(truncatingIfNeeded: frame.bytes.count)
                moved &+= 1
            } else {
                statistics.oversizedFrames &+= 1
            }
            current = reader.next()
        }
        return moved
    }

    public mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        let count = queue.count
        while !queue.isEmpty {
            statistics.transmittedFrames &+= 1
            statistics.transmittedBytes &+= UInt64(truncatingIfNeeded: queue.front.count)
            queue.popFront()
        }
        return count
    }

    public var nextDeadline: Instant {
        guard let frame = current else { return .never }
        guard let start else { return .zero }
        return start + frame.offset
    }
}
