internal import DeviceMemory
internal import NICRegisters

/// The EEPROM, of which the first 64 words are covered by the checksum.
struct NVMImage: ~Copyable {
    private var words: Slab<UInt16>

    /// An image of `count` words, at least 64, with `mac` in words 0 to 2 and a checksum word that makes the sum right.
    init(mac: [UInt8], device: UInt16, count: Int) {
        words = Slab(count: count, repeating: 0xFFFF)
        func byte(_ i: Int) -> UInt16 { i < mac.count ? UInt16(mac[i]) : 0 }
        for i in 0..<I82576.nvmChecksumWords { words[i] = 0 }
        for i in 0..<3 { words[i] = byte(2 * i) | byte(2 * i + 1) << 8 }
        // Software compatibility, image version, board number, and identity (82576 datasheet, section 6; the same words mean the same on all three families).
        words[0x03] = 0x0810
        words[0x05] = 0x1006
        words[0x08] = 0xFFFF
        words[0x09] = 0xFFFF
        words[0x0A] = 0x4A40
        words[0x0B] = 0x0000
        words[0x0C] = I82576.vendor
        words[0x0D] = device
        words[0x0E] = I82576.vendor
        words[0x0F] = 0x3024
        words[0x24] = 0x0003
        words[0x37] = 0xFFFF
        var sum: UInt16 = 0
        for i in 0..<(I82576.nvmChecksumWords - 1) { sum &+= words[i] }
        words[I82576.nvmChecksumWords - 1] = I82576.nvmChecksum &- sum
    }

    /// The word at `address`; `nil` beyond the image, which is never answered.
    func word(_ address: UInt32) -> UInt16? { address < UInt32(words.count) ? words[Int(address)] : nil }

    /// The permanent address as RAL and RAH hold it.
    var macAddress: (low: UInt32, high: UInt32) {
        (UInt32(words[0]) | UInt32(words[1]) << 16, UInt32(words[2]))
    }
}
