/// What can go wrong when queues are set up; each case says what to do.
public enum HeaderSplitError: Error, CustomStringConvertible, Equatable {
    case ringSize(descriptors: Int)
    case poolTooSmall(slots: Int, descriptors: Int)
    case unreadableHostQueue
    case slotTooSmall(slotSize: Int, room: Int)
    case transmitSlab(bytes: Int, needed: Int)

    public var description: String {
        switch self {
        case .ringSize(let descriptors):
            "a ring of \(descriptors) descriptors cannot be used: choose a power of two of at least 8"
        case .poolTooSmall(let slots, let descriptors):
            "the region is smaller than the ring: \(slots) free slots for \(descriptors) descriptors; enlarge --region or shorten the ring"
        case .unreadableHostQueue:
            "a queue for whole frames needs host memory that may be read: give it a host-page pool"
        case .slotTooSmall(let slotSize, let room):
            "a slot of \(slotSize) bytes has no room behind a header buffer of \(room): choose larger host slots"
        case .transmitSlab(let bytes, let needed):
            "the transmit buffers take \(needed) bytes and \(bytes) were given; give more or shorten the ring"
        }
    }
}
