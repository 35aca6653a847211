internal import NICRegisters

/// What a family of controllers can do, as its datasheet has it; a function may offer less (``DeviceCapabilities``).
public struct NICFacts: Encodable, Sendable {
    /// Name of the controller.
    public let controller: String
    /// Receive queues.
    public let receiveQueues: Int
    /// Transmit queues.
    public let transmitQueues: Int
    /// Interrupt vectors.
    public let msixVectors: Int
    /// Ways to split a frame, by the names of the datasheet.
    public let splitModes: [String]
    /// Longest header that a split can put into the header buffer, in bytes.
    public let headerBufferBytes: Int
    /// Ways to send a flow to a queue.
    public let steering: [String]
    /// Work on frames that it takes off the processor.
    public let offloads: [String]
    /// Length of the register window in BAR 0, in bytes.
    public let registerBytes: UInt64
}

extension NICFamily {
    /// Facts of the family's datasheet.
    public var facts: NICFacts {
        switch self {
        case .e1000e:
            NICFacts(
                controller: "Intel 82574", receiveQueues: 2, transmitQueues: 2, msixVectors: 5,
                splitModes: ["packet split with up to four buffers (RCTL.DTYP 01)"], headerBufferBytes: 127 * 128,
                steering: ["RSS over 2 queues"], offloads: Self.offloads, registerBytes: 128 << 10)
        case .igb:
            NICFacts(
                controller: "Intel 82576", receiveQueues: 16, transmitQueues: 16, msixVectors: 25,
                splitModes: ["header split (DESCTYPE 2)", "split, always with header buffer (DESCTYPE 5)"],
                headerBufferBytes: 1023,
                steering: ["RSS over 16 queues", "8 5-tuple filters", "ethertype filters", "TCP SYN filter"],
                offloads: Self.offloads, registerBytes: UInt64(I82576.registerWindow))
        case .ixgbe:
            NICFacts(
                controller: "Intel 82599", receiveQueues: 128, transmitQueues: 128, msixVectors: 64,
                splitModes: ["header split (DESCTYPE 2)", "split, always with header buffer (DESCTYPE 5)"],
                headerBufferBytes: 1023,
                steering: [
                    "RSS over 16 queues", "Flow Director, up to 8190 perfect filters", "128 5-tuple filters",
                    "8 ethertype filters", "TCP SYN filter",
                ],
                offloads: Self.offloads + ["large receive (RSC), to be off for split rings"], registerBytes: 128 << 10)
        }
    }

    private static var offloads: [String] {
        ["IPv4, TCP and UDP checksums on receive", "checksum insertion", "TCP segmentation"]
    }

    /// Device ids that the family's driver takes charge of.
    var deviceIDs: [UInt16] {
        switch self {
        case .e1000e: [I82574.device, I82574.deviceLA]
        case .igb: [I82576.device]
        case .ixgbe: [I82599.device] + I82599.otherDevices
        }
    }

    /// Device ids of relatives with the same registers whose ports the driver does not set up: fibre, SerDes and quad ports
    /// of the 82576, and the 82583 (one queue, no MSI-X) beside the 82574.
    var relatedIDs: [UInt16] {
        switch self {
        case .e1000e: [0x150C]
        case .igb: [0x10E6, 0x10E7, 0x10E8, 0x1526, 0x150A, 0x1518, 0x150D]
        case .ixgbe: []
        }
    }

    /// The family whose driver takes charge of a function that identifies itself so: vendor id 15:0, device id 31:16.
    public init?(identity: UInt32) {
        self.init(vendor: UInt16(truncatingIfNeeded: identity), device: UInt16(identity >> 16))
    }

    /// The family whose driver takes charge of a function with these ids.
    public init?(vendor: UInt16, device: UInt16) {
        guard vendor == I82576.vendor, let family = Self.allCases.first(where: { $0.deviceIDs.contains(device) })
        else { return nil }
        self = family
    }

    /// The family that a function is related to without being driven.
    static func relative(vendor: UInt16, device: UInt16) -> NICFamily? {
        vendor == I82576.vendor ? allCases.first { $0.relatedIDs.contains(device) } : nil
    }
}
