internal import DeviceMemory
internal import NICRegisters

/// The PCI configuration space: header, base address registers with their sizes, capability list.
struct ConfigurationSpace: ~Copyable {
    private var words: Slab<UInt32>
    private var writable: Slab<UInt32>

    private let model: SoftNICModel
    /// Offset of Device Control and Device Status in the PCI Express capability.
    private let deviceControl: Int

    /// Vectors of the MSI-X capability; 0 is none.
    private let vectors: Int
    /// Offsets of the MSI and MSI-X capabilities.
    private let message: Int
    private let messageX: Int
    /// The function does not answer any more.
    private var isGone = false

    private static var words: Int { 1024 }

    init(_ model: SoftNICModel, vectors: Int) {
        self.model = model
        self.vectors = vectors
        words = Slab(count: Self.words, repeating: 0)
        writable = Slab(count: Self.words, repeating: 0)
        deviceControl = model == .i82574 ? 0xE8 : 0xA8
        message = model == .i82574 ? 0xD0 : 0x50
        messageX = model == .i82574 ? 0xA0 : 0x70
        // Status: capability list present. Command: memory, I/O, master, parity, SERR, INTx disable.
        set(0x04, 0x0010_0000, writable: 0x0000_0547)
        set(0x08, 0x0200_0001)
        set(0x0C, 0, writable: 0xFF)
        set(0x3C, 0x0000_0100, writable: 0xFF)
        switch model {
        case .i82576: set82576()
        case .i82574: set82574()
        case .i82599: set82599()
        }
    }

    private mutating func set82574() {
        set(0x00, UInt32(I82574.vendor) | UInt32(I82574.device) << 16)
        // BAR 0: 128 KiB of registers; BAR 1: 128 KiB of flash; BAR 2: 32 bytes of I/O; BAR 3: 16 KiB for MSI-X.
        set(0x10, 0, writable: 0xFFFE_0000)
        set(0x14, 0, writable: 0xFFFE_0000)
        set(0x18, 1, writable: 0xFFFF_FFE0)
        set(0x1C, 0, writable: 0xFFFF_C000)
        set(0x2C, 0x0000_8086)
        set(0x34, 0xC8)
        // Power management, MSI (64-bit), PCI Express, MSI-X in BAR 3: in the order of QEMU's list.
        set(0xC8, 0xC823_D001)
        set(0xCC, 0, writable: 0x0000_8103)
        set(0xD0, 0x0080_E005, writable: 0x0071_0000)
        set(0xD4, 0, writable: 0xFFFF_FFFC)
        set(0xD8, 0, writable: 0xFFFF_FFFF)
        set(0xDC, 0, writable: 0x0000_FFFF)
        setExpress(0xE0, next: vectors > 0 ? UInt32(messageX) : 0)
        setVectors(next: 0)
        if vectors == 0 { set(0x1C, 0) }
    }

    private mutating func set82599() {
        set(0x00, UInt32(I82599.vendor) | UInt32(I82599.device) << 16)
        // BARs 0 and 1: 128 KiB of registers, 64 bits; BAR 2: 32 bytes of I/O; BARs 4 and 5: 16 KiB for MSI-X, 64 bits.
        set(0x10, 4, writable: 0xFFFE_0000)
        set(0x14, 0, writable: 0xFFFF_FFFF)
        set(0x18, 1, writable: 0xFFFF_FFE0)
        set(0x20, vectors > 0 ? 4 : 0, writable: vectors > 0 ? 0xFFFF_C000 : 0)
        set(0x24, 0, writable: vectors > 0 ? 0xFFFF_FFFF : 0)
        set(0x2C, 0x0000_8086)
        set(0x34, 0x40)
        set(0x40, 0xC823_5001)
        set(0x44, 0, writable: 0x0000_8103)
        setMSI(message, next: vectors > 0 ? UInt32(messageX) : 0xA0)
        setVectors(next: 0xA0)
        setExpress(0xA0, next: 0)
    }

    private mutating func set82576() {
        set(0x00, UInt32(I82576.vendor) | UInt32(I82576.device) << 16)
        // BAR 0: 128 KiB of registers; BAR 1: 128 KiB of flash; BAR 2: 32 bytes of I/O; BARs 3 and 4: 16 KiB for MSI-X, 64 bits.
        set(0x10, 0, writable: 0xFFFE_0000)
        set(0x14, 0, writable: 0xFFFE_0000)
        set(0x18, 1, writable: 0xFFFF_FFE0)
        set(0x1C, 4, writable: 0xFFFF_C000)
        set(0x20, 0, writable: 0xFFFF_FFFF)
        set(0x2C, 0x1100_1AF4)
        set(0x34, 0x40)
        // Power management, then MSI (64-bit, maskable), MSI-X in BAR 3, PCI Express (endpoint, function reset).
        set(0x40, 0xC823_5001)
        set(0x44, 0, writable: 0x0000_8103)
        setMSI(message, next: vectors > 0 ? UInt32(messageX) : 0xA0)
        setVectors(next: 0xA0)
        if vectors == 0 {
            set(0x1C, 0)
            set(0x20, 0)
        }
        setExpress(0xA0, next: 0)
    }

    /// MSI with 64-bit addresses and a mask.
    private mutating func setMSI(_ offset: Int, next: UInt32) {
        set(offset, 0x0180_0005 | next << 8, writable: 0x0071_0000)
        set(offset + 4, 0, writable: 0xFFFF_FFFC)
        set(offset + 8, 0, writable: 0xFFFF_FFFF)
        set(offset + 12, 0, writable: 0x0000_FFFF)
        set(offset + 16, 0, writable: 0x0000_0001)
    }

    /// The base address register of the MSI-X table.
    var vectorWindow: Int { model == .i82599 ? 4 : 3 }

    /// MSI-X: table at 0 of its window, pending bits at 0x2000.
    private mutating func setVectors(next: UInt32) {
        guard vectors > 0 else { return }
        set(messageX, 0x0000_0011 | next << 8 | UInt32(vectors - 1) << 16, writable: 0xC000_0000)
        set(messageX + 4, UInt32(vectorWindow))
        set(messageX + 8, 0x0000_2000 | UInt32(vectorWindow))
    }

    /// PCI Express, an endpoint with function level reset.
    private mutating func setExpress(_ offset: Int, next: UInt32) {
        set(offset, 0x0002_0010 | next << 8)
        set(offset + 4, 0x1000_8CC2)
        set(offset + 8, 0x0000_2810, writable: 0x0000_FFFF)
        set(offset + 12, 0x0003_9C11)
        set(offset + 16, 0x1011_0000, writable: 0x0000_01FB)
    }

    private mutating func set(_ offset: Int, _ value: UInt32, writable mask: UInt32 = 0) {
        words[offset / 4] = value
        writable[offset / 4] = mask
    }

    /// The function answers memory cycles.
    var decodesMemory: Bool { !isGone && words[1] & PCIConfig.commandMemory != 0 }
    /// The function may start DMA.
    var mastersBus: Bool { !isGone && words[1] & PCIConfig.commandBusMaster != 0 }
    /// MSI is enabled (control bit 0).
    var messageEnabled: Bool { words[message / 4] >> 16 & 1 != 0 }
    /// MSI-X is enabled (control bit 15).
    var vectorsEnabled: Bool { vectors > 0 && words[messageX / 4] >> 31 != 0 }
    /// No MSI-X message may leave: MSI-X is off or masked as a whole (control bit 14), or the function may not write.
    var holdsVectors: Bool { !vectorsEnabled || words[messageX / 4] >> 30 & 1 != 0 || !mastersBus }

    /// The word at byte `offset`; all ones beyond the space.
    func read(_ offset: Int) -> UInt32 {
        guard !isGone, offset >= 0, offset < Self.words * 4 else { return .max }
        return words[offset / 4]
    }

    /// Writes the writable bits of the word at byte `offset`; true when it asked for a function level reset.
    mutating func write(_ offset: Int, _ value: UInt32) -> Bool {
        guard !isGone, offset >= 0, offset < Self.words * 4 else { return false }
        let i = offset / 4
        words[i] = (words[i] & ~writable[i]) | (value & writable[i])
        guard offset == deviceControl, value & 0x8000 != 0 else { return false }
        words[i] &= ~0x8000
        return true
    }

    /// What a function level reset does to the space: every writable bit to its default.
    mutating func reset() {
        guard !isGone else { return }
        self = ConfigurationSpace(model, vectors: vectors)
    }

    /// The function is unplugged: it reads all ones and does nothing any more.
    mutating func vanish() { isGone = true }
}
