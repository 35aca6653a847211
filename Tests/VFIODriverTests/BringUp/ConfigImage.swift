import DeviceMemory

@testable import VFIODriver

/// Bytes of a configuration space: a header with a register window, and capabilities as they are added.
struct ConfigImage {
    var bytes = [UInt8](repeating: 0, count: 4096)
    private var last = 0x34
    private var next = 0x40
    private var lastExtended: Int?
    private var nextExtended = 0x100

    /// An endpoint with these ids and, unless told otherwise, what an 82576 has: power management, MSI-X, PCI Express.
    init(_ ids: (UInt16, UInt16), with capabilities: Set<UInt16> = [0x01, 0x11, 0x10], bridge: Bool = false) {
        put16(0x00, ids.0)
        put16(0x02, ids.1)
        put16(0x06, 0x0010)
        bytes[0x0B] = bridge ? 0x06 : 0x02
        bytes[0x0A] = bridge ? 0x04 : 0x00
        bytes[0x0E] = bridge ? 1 : 0
        put32(0x10, bridge ? 0 : 0xF000_0000)
        if capabilities.contains(0x01) { add(0x01, [0x03, 0xC8, 0, 0, 0, 0]) }
        // 10 vectors, table and pending bits in BAR 3.
        if capabilities.contains(0x11) { add(0x11, [0x09, 0x00, 0x03, 0, 0, 0, 0x03, 0x20, 0, 0]) }
        if capabilities.contains(0x10) { addExpress(type: 0) }
    }

    /// A PCI Express capability of version 2 with function level reset and relaxed ordering; port type as in bits 7:4.
    mutating func addExpress(type: UInt8, reset: Bool = true) {
        var body = [UInt8](repeating: 0, count: 0x3A)
        body[0] = 2 | type << 4
        body[2] = 0x02
        body[5] = reset ? 0x10 : 0
        body[6] = 0x10
        body[7] = 0x28
        add(0x10, body)
    }

    mutating func add(_ id: UInt8, _ body: [UInt8]) {
        bytes[last] = UInt8(next)
        bytes[next] = id
        for (i, byte) in body.enumerated() { bytes[next + 2 + i] = byte }
        last = next + 1
        next += (body.count + 2 + 3) & ~3
    }

    mutating func addExtended(_ id: UInt16, _ body: [UInt8]) {
        put32(nextExtended, UInt32(id) | 1 << 16)
        if let lastExtended { put16(lastExtended + 2, 1 | UInt16(nextExtended) << 4) }
        for (i, byte) in body.enumerated() { bytes[nextExtended + 4 + i] = byte }
        lastExtended = nextExtended
        nextExtended += 0x40
    }

    /// Access Control Services with every service there, and peer request redirect on or off.
    mutating func addAccessControl(redirect: Bool) { addExtended(0x000D, [0x7F, 0, redirect ? 0x1D : 0, 0]) }

    mutating func put16(_ offset: Int, _ value: UInt16) {
        bytes[offset] = UInt8(truncatingIfNeeded: value)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
    }

    mutating func put32(_ offset: Int, _ value: UInt32) {
        put16(offset, UInt16(truncatingIfNeeded: value))
        put16(offset + 2, UInt16(truncatingIfNeeded: value >> 16))
    }
}

/// A device that is nothing but its configuration space, of which the base address registers and the command are writable.
final class ConfigDevice: PCIDevice {
    struct NoRegisters: Bus {
        func read32(_ offset: UInt32) -> UInt32 { .max }
        func write32(_ offset: UInt32, _ value: UInt32) {}
    }

    var image: ConfigImage
    /// Writable bits of the words that have any.
    var masks: [Int: UInt32]
    /// Base address registers were written while the function decoded memory.
    var wasSizedWhileDecoding = false

    init(_ image: ConfigImage, masks: [Int: UInt32] = [0x04: 0x547, 0x10: 0xFFFE_0000]) {
        self.image = image
        self.masks = masks
    }

    func readConfig32(_ offset: Int) -> UInt32 { ConfigSpace(bytes: image.bytes).long(offset) }

    func writeConfig32(_ offset: Int, _ value: UInt32) {
        if (0x10..<0x28).contains(offset), readConfig32(0x04) & 2 != 0 { wasSizedWhileDecoding = true }
        let mask = masks[offset] ?? 0
        image.put32(offset, readConfig32(offset) & ~mask | value & mask)
    }

    func bar(_ index: Int) -> NoRegisters? { nil }
    func reset() {}
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA { throw .deviceGone }
    func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA { throw .deviceGone }
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {}
}
