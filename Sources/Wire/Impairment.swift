internal import DeviceMemory
public import Packets
public import Timeline

/// Does ``Impairments`` to the frames that pass from one queue to another.
///
/// Every kind draws from a generator of its own, so the fate of frame n under one kind does not depend on the rates of
/// the others, and the same seed, frames and times give the same result. All space is allocated once.
///
/// Kinds apply in this order: loss, duplication, then for each copy truncation, corruption, lie, reordering, jitter. A
/// frame that is held back ignores jitter; it comes back after the frames that it drew, or `holdTime` after it came, so
/// the last frame of a burst is never stuck.
public struct Impairment: ~Copyable {
    private let kinds: Impairments
    private let holdTime: Interval
    private var lossDraws: SeededGenerator
    private var duplicateDraws: SeededGenerator
    private var reorderDraws: SeededGenerator
    private var corruptDraws: SeededGenerator
    private var truncateDraws: SeededGenerator
    private var lieDraws: SeededGenerator
    private var jitterDraws: SeededGenerator
    private var delayed: FrameQueue
    private var held: HeldFrames
    /// Frames that took the ordinary way in, and those of them that have left: their difference is in `delayed`.
    private var acceptedInOrder: UInt64 = 0
    private var releasedInOrder: UInt64 = 0
    /// What was done so far.
    public private(set) var statistics = ImpairmentStatistics()

    /// An impairment of one direction.
    ///
    /// - Parameters:
    ///   - seed: of the whole run.
    ///   - stream: number of this direction, so that two directions of one run draw independently.
    ///   - depth: frames that jitter may delay at once; beyond them the input waits.
    ///   - frameCapacity: longest frame in bytes.
    ///   - holdTime: how long reordering holds a frame at most.
    public init(
        _ kinds: Impairments, seed: UInt64, stream: UInt64, depth: Int = 1024, frameCapacity: Int,
        holdTime: Interval = .milliseconds(1)
    ) {
        self.kinds = kinds
        self.holdTime = holdTime
        let base = 0x57_6972_6500 &+ stream &* 16
        lossDraws = SeededGenerator(seed: seed, stream: base)
        duplicateDraws = SeededGenerator(seed: seed, stream: base &+ 1)
        reorderDraws = SeededGenerator(seed: seed, stream: base &+ 2)
        corruptDraws = SeededGenerator(seed: seed, stream: base &+ 3)
        truncateDraws = SeededGenerator(seed: seed, stream: base &+ 4)
        lieDraws = SeededGenerator(seed: seed, stream: base &+ 5)
        jitterDraws = SeededGenerator(seed: seed, stream: base &+ 6)
        // Two places are kept for the copies of one frame.
        delayed = FrameQueue(depth: max(depth, 4), frameCapacity: frameCapacity)
        held = HeldFrames(frameCapacity: frameCapacity)
    }

    /// Takes frames out of `input`, and moves those that are due at `now` to `output`, at most `limit`; returns how many
    /// were moved.
    ///
    /// Input waits where it is while `output` or the delay line is full.
    public mutating func pass(
        from input: inout FrameQueue, to output: inout FrameQueue, now: Instant, limit: Int
    ) -> Int {
        let before = output.count
        let room = before &+ limit
        release(to: &output, now: now, room: room)
        while !input.isEmpty && output.count < room && !output.isFull && delayed.count &+ 2 <= delayed.depth {
            take(from: &input, to: &output, now: now, room: room)
            release(to: &output, now: now, room: room)
        }
        let moved = output.count &- before
        statistics.delivered &+= UInt64(truncatingIfNeeded: moved)
        return moved
    }

    /// Moves frames that are inside and due at `now` to `output`, at most `limit`; returns how many.
    public mutating func release(to output: inout FrameQueue, now: Instant, limit: Int) -> Int {
        let before = output.count
        release(to: &output, now: now, room: before &+ limit)
        let moved = output.count &- before
        statistics.delivered &+= UInt64(truncatingIfNeeded: moved)
        return moved
    }

    /// When the next frame leaves by itself; ``Timeline/Instant/zero`` when one only waits for room, `never` when none is
    /// in flight.
    public var nextDeadline: Instant {
        let ordinary = delayed.isEmpty ? Instant.never : delayed.frontDue
        return held.count == 0 ? ordinary : min(ordinary, held.deadline(released: releasedInOrder))
    }

    /// Frames inside.
    public var inFlight: Int { delayed.count + held.count }

    private mutating func take(from input: inout FrameQueue, to output: inout FrameQueue, now: Instant, room: Int) {
        statistics.frames &+= 1
        if input.front.count > delayed.frameCapacity {
            statistics.oversized &+= 1
        } else if lossDraws.happens(kinds.loss) {
            statistics.lost &+= 1
        } else {
            place(input.front, input.frontOffload, input.frontMark, to: &output, now: now, room: room)
            if duplicateDraws.happens(kinds.duplicate) {
                statistics.duplicated &+= 1
                place(input.front, input.frontOffload, input.frontMark, to: &output, now: now, room: room)
            }
        }
        input.popFront()
    }

    /// Puts one copy of a frame where it belongs: held back, in the delay line, or straight to the output.
    private mutating func place(
        _ frame: ByteView, _ offload: TransmitOffload, _ mark: FrameMark, to output: inout FrameQueue, now: Instant,
        room: Int
    ) {
        if reorderDraws.happens(kinds.reorder.probability) && !held.isFull {
            let overtakers = 1 &+ reorderDraws.below(kinds.reorder.depth)
            let (length, mark) = write(frame, mark, to: held.space())
            held.hold(
                length: length, releaseAt: acceptedInOrder &+ UInt64(overtakers), flushAt: now + holdTime,
                offload: offload, mark: mark)
            statistics.heldBack &+= 1
            return
        }
        acceptedInOrder &+= 1
        var due = now
        // The delay line is first in, first out: a frame with a short delay waits for those before it.
        if kinds.jitter.nanoseconds != 0 { due = now + Interval(nanoseconds: drawJitter()) }
        if delayed.isEmpty && due <= now && output.count < room && frame.count <= output.frameCapacity,
            let space = output.reserve()
        {
            let (length, mark) = write(frame, mark, to: space)
            output.commit(length: length, offload: offload, mark: mark)
            releasedInOrder &+= 1
        } else if let space = delayed.reserve() {
            let (length, mark) = write(frame, mark, to: space)
            delayed.commit(length: length, due: due, offload: offload, mark: mark)
        }
    }

    private mutating func drawJitter() -> UInt64 {
        let bound = UInt32(truncatingIfNeeded: min(kinds.jitter.nanoseconds, UInt64(UInt32.max) - 1))
        return UInt64(jitterDraws.below(bound &+ 1))
    }

    /// Copies the frame and does to the copy what changes bytes or mark; returns its new length and mark.
    private mutating func write(_ frame: ByteView, _ mark: FrameMark, to space: MutableByteView) -> (Int, FrameMark) {
        space.copy(frame)
        var length = frame.count
        var damaged = false
        if truncateDraws.happens(kinds.truncate) && length >= 2 {
            length = 1 &+ Int(truncateDraws.below(UInt32(truncatingIfNeeded: length &- 1)))
            statistics.truncated &+= 1
            damaged = true
        }
        if corruptDraws.happens(kinds.corrupt) && length >= 1 {
            let offset = Int(corruptDraws.below(UInt32(truncatingIfNeeded: length)))
            // One bit, or any other change of the byte; never none.
            let change = corruptDraws.below(2) == 0 ? 1 &<< corruptDraws.below(8) : 1 &+ corruptDraws.below(255)
            space[offset] ^= UInt8(truncatingIfNeeded: change)
            statistics.corrupted &+= 1
            damaged = true
        }
        guard lieDraws.happens(kinds.lie) else { return (length, mark) }
        let gentler = lieDraws.below(2) == 0
        if damaged {
            statistics.liedAboutBad &+= 1
            return (length, .claimGood)
        }
        statistics.liedAboutGood &+= 1
        return (length, gentler ? .claimNothing : .claimBad)
    }

    /// Moves what is due to `output` until it holds `room` frames.
    private mutating func release(to output: inout FrameQueue, now: Instant, room: Int) {
        while output.count < room && !output.isFull {
            if held.count != 0, let index = held.firstReady(released: releasedInOrder, now: now) {
                if held.isFlush(index, released: releasedInOrder) { statistics.flushed &+= 1 }
                if !held.release(index, to: &output) { statistics.oversized &+= 1 }
            } else if !delayed.isEmpty && delayed.frontDue <= now {
                if !output.push(delayed.front, offload: delayed.frontOffload, mark: delayed.frontMark) {
                    statistics.oversized &+= 1
                }
                delayed.popFront()
                releasedInOrder &+= 1
            } else {
                return
            }
        }
    }
}
