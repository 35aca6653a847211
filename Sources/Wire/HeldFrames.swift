internal import DeviceMemory
internal import Packets
internal import Timeline

/// Frames taken out of the order, each with the place and the time at which it comes back.
///
/// At most ``Reordering/maximumDepth`` frames, packed in the order in which they were taken; a bit mask finds a free
/// place for the bytes.
struct HeldFrames: ~Copyable {
    // Not private: the metadata of generic wires in other files names it, and 6.3.1 emits a broken reference then.
    struct Entry: BitwiseCopyable {
        var place = 0
        var length = 0
        /// Comes back when so many frames have left in order.
        var releaseAt: UInt64 = 0
        /// Comes back at this time at the latest.
        var flushAt = Instant.never
        var offload = TransmitOffload.none
        var mark = FrameMark.none
    }

    private let storage: HeapBytes
    private var entries: Slab<Entry>
    private var freePlaces = UInt64.max
    private let frameCapacity: Int
    private(set) var count = 0

    init(frameCapacity: Int) {
        storage = HeapBytes(count: Reordering.maximumDepth * frameCapacity)
        entries = Slab(count: Reordering.maximumDepth, repeating: Entry())
        self.frameCapacity = frameCapacity
    }

    var isFull: Bool { count == entries.count }

    /// Space for the frame that the next ``hold(length:releaseAt:flushAt:offload:mark:)`` takes; must not be full.
    func space() -> MutableByteView {
        storage.bytes.slice(freePlaces.trailingZeroBitCount * frameCapacity, frameCapacity)
    }

    /// Keeps the frame that was written to ``space()``; must not be full.
    mutating func hold(length: Int, releaseAt: UInt64, flushAt: Instant, offload: TransmitOffload, mark: FrameMark) {
        let place = freePlaces.trailingZeroBitCount
        freePlaces &= ~(1 << UInt64(place))
        entries[count] = Entry(
            place: place, length: length, releaseAt: releaseAt, flushAt: flushAt, offload: offload, mark: mark)
        count += 1
    }

    /// The frame taken first among those that `released` frames have passed or whose time is up; `nil` when none is.
    func firstReady(released: UInt64, now: Instant) -> Int? {
        for i in 0..<count where entries[i].releaseAt <= released || entries[i].flushAt <= now { return i }
        return nil
    }

    /// Whether the frame comes back by time and not by the frames that passed it.
    func isFlush(_ index: Int, released: UInt64) -> Bool { entries[index].releaseAt > released }

    /// Moves a frame to `output`; false when it does not fit there, and the frame is gone.
    mutating func release(_ index: Int, to output: inout FrameQueue) -> Bool {
        let entry = entries[index]
        let frame = storage.bytes.slice(entry.place * frameCapacity, entry.length).readOnly
        let fits = output.push(frame, offload: entry.offload, mark: entry.mark)
        freePlaces |= 1 << UInt64(entry.place)
        count -= 1
        for i in index..<count { entries[i] = entries[i + 1] }
        return fits
    }

    /// When the next frame comes back by itself; ``Timeline/Instant/zero`` when one only waits for room.
    func deadline(released: UInt64) -> Instant {
        var earliest = Instant.never
        for i in 0..<count {
            earliest = min(earliest, entries[i].releaseAt <= released ? .zero : entries[i].flushAt)
        }
        return earliest
    }
}
