internal import Engine
internal import Foundation
internal import Timeline

/// What connections cost that have nothing to say.
public struct ConnectionCost: Encodable, Sendable {
    /// Connections that were opened, and whether their peers are watched by keep-alive.
    public var connections: Int
    public var keepAlive: Bool
    /// What a connection takes in the stack's tables, whatever it does, and what the process grew by for each, with the flow
    /// table and what this measurement keeps of it (4 bytes).
    public var tableBytesPerConnection: Int
    public var residentBytesPerConnection: Double
    /// What the process grew by in all, and by what before the first connection.
    public var residentBytes: Int
    public var residentBytesBefore: Int
    /// Opening one, three segments, on average and at worst: growth makes no pause.
    public var openNs: Double
    public var openWorstNs: UInt64
    /// Turns without a frame, over how much virtual time, and how many connections they looked at; and what one turn took.
    public var idleTurns: Int
    public var idleSeconds: Double
    public var idleTouched: UInt64
    public var idleTurnNs: Double
    /// A segment without payload for a connection chosen by chance.
    public var segmentNs: Double
}

extension Session {
    /// Opens `count` connections on a stack alone and measures what they cost.
    ///
    /// - Parameter keepAlive: whether their peers are watched: two hours pass then, and each is asked once.
    public static func connectionCost(count: Int, keepAlive: Bool) throws(SessionError) -> ConnectionCost {
        let atStart = resident()
        var bench = ConnectionBench(connections: count, keepAlive: keepAlive)
        let before = resident()
        let opening = bench.open(clock: monotonicNow)
        guard bench.established == UInt64(count) else {
            throw SessionError(
                "\(bench.established) connections of \(count) were established; this machine's memory is short")
        }
        let after = resident()
        // What opening has left to do: timers of the handshake that have nothing to time.
        _ = bench.idle(.seconds(10), turns: 1000, clock: monotonicNow)
        let seconds: UInt64 = keepAlive ? 7200 : 100
        let turns = keepAlive ? 72_000 : 10_000
        let idle = bench.idle(.seconds(seconds), turns: turns, clock: monotonicNow)
        let segments = bench.segments(1_000_000, clock: monotonicNow)
        bench.close()
        return ConnectionCost(
            connections: count, keepAlive: keepAlive, tableBytesPerConnection: bench.bytesPerPlace,
            residentBytesPerConnection: Double(after - before) / Double(count), residentBytes: after - atStart,
            residentBytesBefore: before - atStart, openNs: Double(opening.nanoseconds) / Double(count),
            openWorstNs: opening.worst, idleTurns: idle.turns, idleSeconds: Double(seconds),
            idleTouched: idle.timersDue + idle.served, idleTurnNs: Double(idle.nanoseconds) / Double(turns),
            segmentNs: Double(segments.nanoseconds) / 1_000_000)
    }

    /// Bytes of memory that this process has (proc(5), statm).
    private static func resident() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let words = text.split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}
