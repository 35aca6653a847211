/// Counters of what went to and came from an application.
public struct DeliveryStatistics: Sendable, Hashable {
    /// Bytes announced in the region.
    public var deviceBytes: UInt64 = 0
    /// Bytes announced in host memory.
    public var linearBytes: UInt64 = 0
    /// Bytes announced in host memory that got a place in the region; they are in ``linearBytes`` too.
    public var movedBytes: UInt64 = 0
    /// Records of data.
    public var records: UInt64 = 0
    /// Tokens that came back.
    public var tokensReturned: UInt64 = 0
    /// Tokens that came back without the application's doing: it left their connection, or died.
    public var tokensReclaimed: UInt64 = 0
    /// Returns of numbers that were not out.
    public var badReturns: UInt64 = 0
    /// Commands that made no sense.
    public var badCommands: UInt64 = 0
    /// Sends from regions that were refused.
    public var refusedSends: UInt64 = 0
    /// Times that something to deliver had to wait for room, or for tokens to come back.
    public var pauses: UInt64 = 0
    /// Records that found no room: always 0, because room is asked for first.
    public var lostRecords: UInt64 = 0

    /// Counts two applications together.
    public static func + (lhs: DeliveryStatistics, rhs: DeliveryStatistics) -> DeliveryStatistics {
        var sum = lhs
        sum.deviceBytes &+= rhs.deviceBytes
        sum.linearBytes &+= rhs.linearBytes
        sum.movedBytes &+= rhs.movedBytes
        sum.records &+= rhs.records
        sum.tokensReturned &+= rhs.tokensReturned
        sum.tokensReclaimed &+= rhs.tokensReclaimed
        sum.badReturns &+= rhs.badReturns
        sum.badCommands &+= rhs.badCommands
        sum.refusedSends &+= rhs.refusedSends
        sum.pauses &+= rhs.pauses
        sum.lostRecords &+= rhs.lostRecords
        return sum
    }
}
