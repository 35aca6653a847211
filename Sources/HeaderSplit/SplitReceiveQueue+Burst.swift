public import PagePool

extension SplitReceiveQueue {
    /// Takes up to `limit` frames, hands each to `use`, and ends the burst; returns how many there were.
    ///
    /// For users without the engine. A frame's header is valid within `use` only; its fragment becomes the caller's, to be
    /// delivered or recycled through the pool. Payload is proven visible when this returns: whoever reads it may be told
    /// then, not before.
    @inlinable public mutating func receiveBurst(
        limit: Int, pool: inout PagePool, _ use: (consuming ReceivedFrame, inout PagePool) -> Void
    ) -> Int {
        var count = 0
        while count < limit, let frame = nextFrame(&pool) {
            use(frame, &pool)
            count &+= 1
        }
        endBurst()
        return count
    }
}
