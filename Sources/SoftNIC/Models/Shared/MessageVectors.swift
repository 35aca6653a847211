internal import DeviceMemory

/// The MSI-X table and pending bits of a function, and the messages that have left it.
///
/// The window is that of Intel's controllers in QEMU: table at 0, pending bits at 0x2000 (PCI Local Bus 3.0, section 6.8.2).
/// Enable and function mask are the configuration space's, and arguments here.
struct MessageVectors: ~Copyable {
    /// Vectors in the table.
    let count: Int
    private var table: Slab<UInt32>
    private var pending: UInt64 = 0
    private var fired: UInt64 = 0

    private static var pendingOffset: UInt32 { 0x2000 }
    private static var windowBytes: UInt32 { 0x4000 }

    /// A table of up to 64 vectors, all masked.
    init(count: Int) {
        self.count = max(0, min(count, 64))
        table = Slab(count: max(self.count, 1) * 4, repeating: 0)
        reset()
    }

    /// What a function reset leaves: every vector masked, nothing pending.
    mutating func reset() {
        for i in 0..<table.count { table[i] = i % 4 == 3 ? 1 : 0 }
        pending = 0
    }

    /// The word at byte `offset` of the window.
    func read(_ offset: UInt32) -> UInt32 {
        guard offset % 4 == 0, offset < Self.windowBytes else { return .max }
        if offset < UInt32(count) * 16 { return table[Int(offset / 4)] }
        if offset == Self.pendingOffset { return UInt32(truncatingIfNeeded: pending) }
        return offset == Self.pendingOffset + 4 ? UInt32(truncatingIfNeeded: pending >> 32) : 0
    }

    /// Writes a word of the table; of vector control only the mask bit exists. `isHeld`: see ``release(isHeld:)``.
    mutating func write(_ offset: UInt32, _ value: UInt32, isHeld: Bool) {
        guard offset % 4 == 0, offset < UInt32(count) * 16 else { return }
        table[Int(offset / 4)] = offset % 16 == 12 ? value & 1 : value
        release(isHeld: isHeld)
    }

    /// Sends the message of `vector`, or keeps it pending while the vector is masked or `isHeld`. False when there is none.
    mutating func send(_ vector: Int, isHeld: Bool) -> Bool {
        guard vector < count else { return false }
        pending |= 1 &<< UInt64(vector)
        release(isHeld: isHeld)
        return true
    }

    /// Sends what is pending and not masked, unless the function is masked, disabled, or may not master the bus.
    mutating func release(isHeld: Bool) {
        guard pending != 0, !isHeld else { return }
        for vector in 0..<count where pending &>> UInt64(vector) & 1 != 0 && table[4 &* vector &+ 3] & 1 == 0 {
            pending &= ~(1 &<< UInt64(vector))
            fired |= 1 &<< UInt64(vector)
        }
    }

    /// A message that does not go through the table: MSI.
    mutating func sendSingle() { fired |= 1 }

    /// Vectors whose message left since the last call, a bit each.
    mutating func take() -> UInt64 {
        let taken = fired
        fired = 0
        return taken
    }
}
