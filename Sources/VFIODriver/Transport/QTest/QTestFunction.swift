internal import DeviceMemory

/// A PCI function of the machine: its configuration space through the ports 0xCF8 and 0xCFC (PCI Local Bus 3.0, section
/// 3.2.2.3.2), which show the first 256 bytes.
@safe struct QTestFunction: @unchecked Sendable {
    /// A memory window that was sized and given an address.
    struct Window {
        let index: Int
        let address: UInt64
        let size: UInt64
    }

    private let connection: UnsafeMutablePointer<QTestConnection>
    private let slot: UInt32

    /// The function 0 of device `slot` on bus 0.
    init(_ connection: UnsafeMutablePointer<QTestConnection>, slot: Int) {
        unsafe self.connection = connection
        self.slot = UInt32(truncatingIfNeeded: slot) & 0x1F
    }

    func read32(_ offset: Int) -> UInt32 {
        guard offset >= 0, offset < 256 else { return .max }
        unsafe connection.pointee.writePort32(0xCF8, select(offset))
        return unsafe connection.pointee.readPort32(0xCFC)
    }

    func write32(_ offset: Int, _ value: UInt32) {
        guard offset >= 0, offset < 256 else { return }
        unsafe connection.pointee.writePort32(0xCF8, select(offset))
        unsafe connection.pointee.writePort32(0xCFC, value)
    }

    private func select(_ offset: Int) -> UInt32 {
        1 << 31 | slot << 11 | UInt32(truncatingIfNeeded: offset) & 0xFC
    }

    /// Where capability `identifier` is; `nil` when the function has none.
    func capability(_ identifier: UInt32) -> Int? { PCIConfig.capability(identifier, reading: read32) }

    /// Sizes every memory window (6.2.5.1) and gives it an address from `layout`; decoding must be off.
    func placeWindows(_ layout: inout QTestLayout) throws(DeviceMemoryError) -> [Window] {
        var windows: [Window] = []
        var index = 0
        while index < 6 {
            let register = PCIConfig.bar(index)
            let kind = read32(register)
            let isWide = kind & 7 == 4
            write32(register, .max)
            let low = read32(register)
            var mask = 0xFFFF_FFFF_0000_0000 | UInt64(low & ~0xF)
            if isWide {
                write32(register + 4, .max)
                mask = UInt64(read32(register + 4)) << 32 | UInt64(low & ~0xF)
            }
            if low & 1 == 0 && low != 0 && low != .max {
                let size = ~mask &+ 1
                let address = try layout.place(size: size, isWide: isWide)
                windows.append(Window(index: index, address: address, size: size))
            }
            index += isWide ? 2 : 1
        }
        program(windows)
        return windows
    }

    /// Writes the addresses of `windows` into their registers, as after a reset that cleared them.
    func program(_ windows: [Window]) {
        for window in windows {
            let register = PCIConfig.bar(window.index)
            write32(register, UInt32(truncatingIfNeeded: window.address))
            if read32(register) & 7 == 4 { write32(register + 4, UInt32(truncatingIfNeeded: window.address >> 32)) }
        }
    }

    /// Sets and clears bits of the command register; writes no ones to the status half.
    func command(set: UInt32, clear: UInt32 = 0) {
        write32(PCIConfig.command, (read32(PCIConfig.command) & 0xFFFF & ~clear) | set)
    }
}

/// Where the machine (QEMU's q35) has room for the windows of PCI devices.
struct QTestLayout {
    /// Below the I/O APIC, and above any RAM that a machine is given here.
    private var low: Range<UInt64> = 0xC000_0000..<0xFEC0_0000
    /// For what does not fit below 4 GiB.
    private var high: Range<UInt64> = 1 << 36..<1 << 39

    /// Reserves an address range aligned to its size, a power of two.
    mutating func place(size: UInt64, isWide: Bool) throws(DeviceMemoryError) -> UInt64 {
        guard size != 0, size & (size - 1) == 0 else { throw .outOfIOVASpace(bytes: Int(clamping: size)) }
        if let address = Self.take(size, from: &low) { return address }
        if isWide, let address = Self.take(size, from: &high) { return address }
        throw .outOfIOVASpace(bytes: Int(clamping: size))
    }

    private static func take(_ size: UInt64, from range: inout Range<UInt64>) -> UInt64? {
        let (start, overflow) = range.lowerBound.addingReportingOverflow(size - 1)
        let address = start & ~(size - 1)
        guard !overflow, address <= range.upperBound, size <= range.upperBound - address else { return nil }
        range = address + size..<range.upperBound
        return address
    }
}
