extension PagePool {
    /// Gives every free slot to the application to send from: a pool that nothing is received into (U.27).
    public mutating func giveForSending() {
        maySend = true
        while let slot = lend() {
            _ = deliver(arrive(slot, offset: 0, length: UInt32(clamping: slotSize)))
        }
    }

    /// Relays a fragment: the stack's reference becomes the transmission's. `nil`, with the fragment recycled as far as it
    /// is the stack's, never happens to a fragment that this pool made.
    @inlinable public mutating func queueForTransmit(_ fragment: consuming Fragment) -> Netmem? {
        let netmem = fragment.surrender()
        guard step(.queueFromStack, netmem.index) else {
            violation("queued and not the stack's", netmem.index)
            return nil
        }
        return netmem
    }

    /// A transmission begins of what an application holds, and takes a reference of its own: the application may return its
    /// record while the transmission is under way. False when no application holds the slot, or it has all the references
    /// that a slot can have: a client's words are what leads here, so neither is a bug.
    @inlinable public mutating func queueForTransmit(held slot: UInt32) -> Bool {
        guard step(.queueFromApplication, slot) else {
            counters.violations &+= 1
            return false
        }
        return true
    }

    /// A transmission of `slot` is over: acknowledged or given up, and the device has read it.
    @inlinable public mutating func transmitted(_ slot: UInt32) {
        guard step(.transmitted, slot) else { return violation("transmitted and was not queued") }
        freeIfUnheld(slot)
    }
}
