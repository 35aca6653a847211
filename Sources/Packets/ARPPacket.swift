public import DeviceMemory

/// An ARP packet for Ethernet and IPv4 (RFC 826).
@frozen public struct ARPPacket: BitwiseCopyable, Sendable, Hashable {
    /// Length on the wire in bytes.
    @inlinable public static var length: Int { 28 }
    @inlinable public static var request: UInt16 { 1 }
    @inlinable public static var reply: UInt16 { 2 }

    public var operation: UInt16
    public var senderMAC: MACAddress
    public var senderAddress: IPv4Address
    public var targetMAC: MACAddress
    public var targetAddress: IPv4Address

    @inlinable public init(
        operation: UInt16, senderMAC: MACAddress, senderAddress: IPv4Address, targetMAC: MACAddress,
        targetAddress: IPv4Address
    ) {
        self.operation = operation
        self.senderMAC = senderMAC
        self.senderAddress = senderAddress
        self.targetMAC = targetMAC
        self.targetAddress = targetAddress
    }

    /// Parses what follows the Ethernet header; `nil` for short packets and for other hardware or protocol types.
    @inlinable public init?(_ bytes: ByteView) {
        guard bytes.count >= ARPPacket.length, bytes.be32(0) == 0x0001_0800, bytes.be16(4) == 0x0604 else { return nil }
        operation = bytes.be16(6)
        senderMAC = MACAddress(rawValue: UInt64(bytes.be32(8)) &<< 16 | UInt64(bytes.be16(12)))
        senderAddress = IPv4Address(rawValue: bytes.be32(14))
        targetMAC = MACAddress(rawValue: UInt64(bytes.be16(18)) &<< 32 | UInt64(bytes.be32(20)))
        targetAddress = IPv4Address(rawValue: bytes.be32(24))
    }

    /// Writes the packet to the front of `bytes`, which has room for ``length`` bytes.
    @inlinable public func write(to bytes: MutableByteView) {
        bytes.setBE32(0, 0x0001_0800)
        bytes.setBE16(4, 0x0604)
        bytes.setBE16(6, operation)
        bytes.setBE32(8, UInt32(truncatingIfNeeded: senderMAC.rawValue &>> 16))
        bytes.setBE16(12, UInt16(truncatingIfNeeded: senderMAC.rawValue))
        bytes.setBE32(14, senderAddress.rawValue)
        bytes.setBE16(18, UInt16(truncatingIfNeeded: targetMAC.rawValue &>> 32))
        bytes.setBE32(20, UInt32(truncatingIfNeeded: targetMAC.rawValue))
        bytes.setBE32(24, targetAddress.rawValue)
    }
}
