internal import DeviceMemory

/// What an engine counts for one application, in shared memory: written by the engine alone, readable at any time without a
/// call. Each counter is exact; several read one after the other may be of different moments.
public struct ChannelCounters: BitwiseCopyable, Sendable {
    /// Which counter.
    @frozen public enum Counter: Int, Sendable, CaseIterable {
        /// Bytes announced in the region.
        case deviceBytes = 0
        /// Bytes announced in host memory.
        case linearBytes
        /// Bytes announced in host memory with a place in the region.
        case movedBytes
        /// Records of data.
        case records
        /// Tokens that the application holds.
        case tokensOut
        /// Tokens that came back.
        case tokensReturned
        /// Returns of tokens that had been returned before.
        case staleReturns
        /// Returns of tokens that were never issued, and ranges that make no sense.
        case badReturns
        /// Commands that made no sense.
        case badCommands
        /// Slots of the application's regions.
        case slots
        /// Slots that are free.
        case slotsFree
        /// Times that records or bytes found no room and waited.
        case pauses
        /// Frames dropped because no slot was free.
        case dropsWithoutSlot
        /// Payload that arrived in host memory although a region is bound.
        case notSplit
        /// Payload dropped because nobody vouched for its checksum.
        case unverified
        /// Payload dropped because it lay in a region of somebody else.
        case misplaced
        /// Frames dropped because their header did not fit its buffer.
        case headerOverflows
    }

    /// Bytes of all counters.
    public static let bytes = 8 * 64

    private let memory: MutableByteView

    init(_ memory: MutableByteView) { self.memory = memory }

    /// The counter's word.
    public subscript(_ counter: Counter) -> UInt64 {
        get { SharedWord64(memory, at: 8 * counter.rawValue).loadRelaxed() }
        nonmutating set { SharedWord64(memory, at: 8 * counter.rawValue).storeRelaxed(newValue) }
    }
}
