/// Counters of what went to and came from an application.
public struct DeliveryStatistics: Sendable, Hashable {
    /// Bytes announced in the region.
    public var deviceBytes: UInt64 = 0
    /// Bytes announced in host memory.
    public var linearBytes: UInt64 = 0
    /// Records of data.
    public var records: UInt64 = 0
    /// Tokens that came back.
    public var tokensReturned: UInt64 = 0
    /// Returns of numbers that were not out.
    public var badReturns: UInt64 = 0
    /// Commands that made no sense.
    public var badCommands: UInt64 = 0
    /// Records that found no room: always 0, because room is asked for first.
    public var lostRecords: UInt64 = 0
}
