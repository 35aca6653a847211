internal import ClientKit

/// Which events an application may be told of: each once, until it asks again.
struct EventGate: BitwiseCopyable {
    private var told: UInt32 = 0

    /// Each reset or change of regions is news of its own.
    private static let always: UInt32 =
        1 &<< UInt32(ChannelEvent.deviceReset.rawValue) | 1 &<< UInt32(ChannelEvent.unbound.rawValue)
        | 1 &<< UInt32(ChannelEvent.rehomed.rawValue)

    func passes(_ event: ChannelEvent) -> Bool { told & ~Self.always & 1 &<< UInt32(event.rawValue) == 0 }
    mutating func close(_ event: ChannelEvent) { told |= 1 &<< UInt32(event.rawValue) }
    mutating func rearm(_ event: ChannelEvent) { told &= ~(1 &<< UInt32(event.rawValue)) }
}
