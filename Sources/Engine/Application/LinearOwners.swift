internal import DeviceMemory
internal import Rings

/// Whose bytes are in the linear ring, first in, first out: their space goes back to the right connection's window.
struct LinearOwners: ~Copyable {
    struct Owner: BitwiseCopyable {
        var connection: UInt32
        var length: UInt32
    }

    private var owners: Slab<Owner>
    private var cursor: RingCursor

    init(capacity: Int) {
        owners = Slab(count: capacity, repeating: Owner(connection: 0, length: 0))
        cursor = RingCursor(size: UInt32(capacity))
    }

    var isFull: Bool { cursor.space < 2 }

    var front: (UInt32, UInt32)? {
        guard cursor.count != 0 else { return nil }
        return (owners[cursor.headIndex].connection, owners[cursor.headIndex].length)
    }

    mutating func push(_ connection: UInt32, _ length: UInt32) {
        owners[cursor.tailIndex] = Owner(connection: connection, length: length)
        cursor.tail &+= 1
    }

    mutating func consume(_ length: UInt32) {
        owners[cursor.headIndex].length &-= length
        if owners[cursor.headIndex].length == 0 { cursor.head &+= 1 }
    }
}
