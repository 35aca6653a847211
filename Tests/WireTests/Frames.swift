import DeviceMemory
import Packets
import Timeline

@testable import Wire

/// A frame whose bytes say which one it is: number `n`, `length` bytes.
func frame(_ n: Int, length: Int = 64) -> [UInt8] {
    (0..<length).map { $0 < 4 ? UInt8(truncatingIfNeeded: n >> (8 * (3 - $0))) : UInt8(truncatingIfNeeded: n &+ $0) }
}

func push(_ bytes: [UInt8], to queue: inout FrameQueue, mark: FrameMark = .none) {
    let heap = HeapBytes(count: bytes.count)
    for (i, byte) in bytes.enumerated() { heap.bytes[i] = byte }
    let pushed = queue.push(heap.bytes.readOnly, mark: mark)
    precondition(pushed)
}

func fill(_ queue: inout FrameQueue, _ numbers: Range<Int>, length: Int = 64) {
    for n in numbers { push(frame(n, length: length), to: &queue) }
}

/// Takes all frames out of `queue`.
func drain(_ queue: inout FrameQueue) -> [[UInt8]] {
    var frames: [[UInt8]] = []
    while !queue.isEmpty {
        frames.append(queue.front.array())
        queue.popFront()
    }
    return frames
}

func number(_ frame: [UInt8]) -> Int { frame.prefix(4).reduce(0) { $0 << 8 | Int($1) } }

func drainNumbers(_ queue: inout FrameQueue) -> [Int] { drain(&queue).map(number) }

/// A wire that hands out what tests put in, and keeps what the NIC sends; `room` bounds what it takes at once.
struct ScriptedWire: Wire, ~Copyable {
    var incoming = FrameQueue(depth: 4096, frameCapacity: 2048)
    var outgoing = FrameQueue(depth: 4096, frameCapacity: 2048)
    var room = Int.max

    mutating func receive(into queue: inout FrameQueue, now: Instant, limit: Int) throws(WireError) -> Int {
        ScriptedWire.move(&incoming, &queue, limit)
    }

    mutating func transmit(from queue: inout FrameQueue, now: Instant) throws(WireError) -> Int {
        ScriptedWire.move(&queue, &outgoing, room)
    }

    var nextDeadline: Instant { .never }

    private static func move(_ source: inout FrameQueue, _ sink: inout FrameQueue, _ limit: Int) -> Int {
        var moved = 0
        while moved < limit, !source.isEmpty, sink.push(source.front, mark: source.frontMark) {
            source.popFront()
            moved += 1
        }
        return moved
    }
}
