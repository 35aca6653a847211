public import DeviceMemory

/// A copy of a function's configuration space, read once: 64 bytes for an unprivileged reader, 256 or 4096 otherwise.
///
/// Whatever the function wrote into it is believed as far as it stays within the copy: lists are walked with a bound, and
/// what lies beyond the copy reads as all ones, as on the bus.
public struct ConfigSpace: Sendable {
    /// The bytes, at most 4096 of them.
    public let bytes: [UInt8]

    /// Takes the bytes as they were read.
    public init(bytes: [UInt8]) { self.bytes = Array(bytes.prefix(4096)) }

    /// Reads a function through its driver's view of it.
    public init(reading device: some PCIDevice) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4096)
        for offset in stride(from: 0, to: 4096, by: 4) {
            let word = device.readConfig32(offset)
            // A function, or a way to it, without an extended space answers with all ones there.
            if offset == 256, word == .max { break }
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        self.init(bytes: bytes)
    }

    /// Reads the function at `address` from sysfs.
    public init(of address: PCIAddress, in tree: some SystemTree) throws(BringUpError) {
        guard tree.exists(address.sysfs) else { throw .noSuchFunction(address) }
        guard let bytes = tree.bytes(address.sysfs + "/config", limit: 4096), bytes.count >= 64 else {
            throw .unreadable(address)
        }
        self.init(bytes: bytes)
    }

    /// The byte at `offset`.
    func byte(_ offset: Int) -> UInt8 { bytes.indices.contains(offset) ? bytes[offset] : .max }

    /// The 16 bits at `offset`.
    func word(_ offset: Int) -> UInt16 { UInt16(byte(offset)) | UInt16(byte(offset + 1)) << 8 }

    /// The 32 bits at `offset`.
    func long(_ offset: Int) -> UInt32 { UInt32(word(offset)) | UInt32(word(offset + 2)) << 16 }

    /// Vendor id; all ones when the function does not answer.
    var vendor: UInt16 { word(0x00) }
    var device: UInt16 { word(0x02) }
    /// Layout of the header: 0 endpoint, 1 bridge.
    var headerType: UInt8 { byte(0x0E) & 0x7F }
    /// Whether the function answered at all.
    public var isPresent: Bool { vendor != 0xFFFF && vendor != 0 }
}

/// One entry of a capability list.
struct ConfigCapability: Hashable {
    let id: UInt16
    let offset: Int
    /// Entry of the extended list (from 0x100), whose ids are a space of their own.
    let isExtended: Bool
    /// Version of an extended capability.
    let version: UInt8
}

/// Ids of the capabilities that are looked at by name (PCI Code and ID Assignment Specification).
enum ConfigCapabilityID {
    static let powerManagement: UInt16 = 0x01
    static let msi: UInt16 = 0x05
    static let express: UInt16 = 0x10
    static let msix: UInt16 = 0x11
    static let accessControl: UInt16 = 0x000D
    static let virtualFunctions: UInt16 = 0x0010
}

extension ConfigSpace {
    /// Both capability lists as far as they are sound.
    var capabilities: [ConfigCapability] { walk().list }

    /// What is wrong with the lists; `nil` for sound ones.
    var capabilityFault: String? { walk().fault }

    func capability(_ id: UInt16, extended: Bool = false) -> ConfigCapability? {
        capabilities.first { $0.id == id && $0.isExtended == extended }
    }

    private func walk() -> (list: [ConfigCapability], fault: String?) {
        var list: [ConfigCapability] = []
        var fault: String?
        var seen: Set<Int> = []
        // Status bit 4: there is a list. Its pointer's two low bits are reserved.
        if word(0x06) & 0x10 != 0 {
            var next = Int(byte(0x34) & 0xFC)
            while next != 0, bytes.count > 64 {
                guard next >= 0x40, next + 2 <= min(bytes.count, 256), seen.insert(next).inserted else {
                    fault = "the capability list goes astray at 0x\(hex(next, 2))"
                    break
                }
                list.append(ConfigCapability(id: UInt16(byte(next)), offset: next, isExtended: false, version: 0))
                next = Int(byte(next + 1) & 0xFC)
            }
        }
        var next = 0x100
        while next != 0, next + 4 <= bytes.count {
            let header = long(next)
            // An empty extended space reads zero; a function without one all ones.
            if header == 0 || header == .max { break }
            guard seen.insert(next).inserted else {
                fault = "the extended capability list goes round at 0x\(hex(next, 3))"
                break
            }
            list.append(
                ConfigCapability(
                    id: UInt16(truncatingIfNeeded: header), offset: next, isExtended: true,
                    version: UInt8(header >> 16 & 0xF)))
            next = Int(header >> 20 & 0xFFC)
            if next != 0, next < 0x100 {
                fault = "the extended capability list goes astray at 0x\(hex(next, 3))"
                break
            }
        }
        return (list, fault)
    }
}
