/// What a flow may count on, chosen for each port that is listened on and for each connection that is opened.
@frozen public enum FlowClass: Sendable, Hashable, BitwiseCopyable {
    /// So many slots are set aside when the flow opens, and its window is never larger than they can take: a segment that
    /// was invited is not dropped for lack of slots. Zero for a flow without device memory.
    case guaranteed(slots: Int)
    /// Nothing is set aside: the flow draws on what its owner has left. Under shortage data that arrived out of order is
    /// given up first, so that every flow goes on, but segments that were invited may be dropped.
    case shared
}
