/// What proves that payload has arrived in a device region once its descriptor says "done".
///
/// A done bit in host memory does not: posted writes to a peer device and to host memory take different paths
/// (PCIe orders posted writes only along a common path).
@frozen public enum Visibility: Sendable, Hashable {
    /// Region and descriptors share one coherent memory: seeing the done bit (with acquire) is enough.
    case coherent
    /// One read of the region's reserved flush page, issued after the done bits of a burst were seen and before its records
    /// are published: a read completion cannot pass posted writes on the last link.
    case flushRead
    /// The consumer fences by itself before it touches payload (a GPU kernel launched after the notification).
    case consumerFence
}
