/// What a driver did that the documentation forbids, or that real devices punish in ways hard to find.
public enum DriverErrorKind: UInt8, Sendable, CaseIterable {
    /// A register that the device does not have was read or written.
    case unknownRegister
    /// An offset that is not a multiple of 4, or beyond the window.
    case misalignedAccess
    /// A register access within 1 us after CTRL.RST.
    case accessDuringReset
    /// A ring base that is not 128-byte aligned.
    case ringMisaligned
    /// A ring length that is not a multiple of 128.
    case ringLengthUneven
    /// A ring's base or length was written while its queue was enabled.
    case ringWrittenWhileEnabled
    /// SRRCTL was written while its queue was enabled.
    case splitControlWrittenWhileEnabled
    /// RXDCTL or TXDCTL thresholds changed while the queue stayed enabled.
    case thresholdsWrittenWhileEnabled
    /// A ring's head was written while its queue was enabled.
    case headWrittenWhileEnabled
    /// A tail was written while its queue was disabled.
    case tailWhileDisabled
    /// A tail or head that is not in the ring.
    case tailBeyondRing
    /// A descriptor was handed over that still holds what the device wrote back.
    case staleDescriptor
    /// A header address with bit 0 set.
    case headerAddressOdd
    /// A null buffer address.
    case nullAddress
    /// A posted buffer that does not lie in mapped, writable memory as a whole.
    case bufferUnmapped
    /// One payload buffer was posted twice at the same time.
    case bufferPostedTwice
    /// A frame was due for a buffer that was not posted: its descriptor changed after the tail write.
    case bufferNotPosted
    /// Memory was unmapped while buffers in it were posted.
    case unmappedWhilePosted
    /// Several queues are enabled and one of them has DROP_EN = 0.
    case dropDisabledWithSeveralQueues
    /// RSS is on and RXCSUM.PCSD is off.
    case hashWithoutPCSD
    /// A split queue runs with RCTL.SECRC = 0: check sequences land in payload buffers.
    case crcKeptWithSplit
    /// Buffers were posted while the link was down: this family receives nothing before auto-negotiation.
    case receiveBeforeLink
    /// A queue was enabled with a DESCTYPE that is reserved or not modelled.
    case unsupportedDescriptorType
    /// RCTL.DTYP (bits 11:10) is not 0.
    case descriptorTypeInRCTL
    /// GPIE.Multiple_MSIX was set after IVAR or EIMS: those settings do not stick.
    case modeAfterVectors
    /// A queue runs with WTHRESH != 1 under MSI-X.
    case writeBackThreshold
    /// PAYLEN differs from what the descriptors hold.
    case payloadLengthMismatch
    /// A transmit data descriptor of length 0.
    case emptyTransmitDescriptor
    /// A segmentation context with MSS 0.
    case segmentSizeZero
    /// The headers of the context are longer than the frame.
    case headerBeyondFrame
    /// A frame, or its list of descriptors, is longer than the device allows.
    case transmitTooLong
    /// A legacy transmit descriptor where the device has none, or in a frame of advanced ones (82576).
    case legacyTransmitDescriptor
    /// A receive tail that is no multiple of a split descriptor's two units of 16 bytes (82574).
    case tailOddInSplit
    /// What RCTL latches (RFCTL.EXTEN, PSRCTL, RCTL.DTYP) was changed while the receiver was on (82574).
    case layoutWrittenWhileEnabled
    /// PSRCTL says 0 for a buffer that must exist (82574).
    case splitBufferSizeZero
    /// The payload buffers of a split descriptor do not hold the longest frame (82574).
    case splitBuffersTooSmall
    /// A transmit tail was written while TARC.ENABLE is off (82574).
    case transmitArbitrationOff
    /// A device access that the IOMMU refused.
    case accessRefused
    /// A tail that takes posted descriptors back or passes the head.
    case tailMovedBack
    /// An enabled cause was raised while neither MSI nor MSI-X was on: nobody hears it. Pollers mask everything.
    case interruptUnrouted
    /// IVAR names a vector that the MSI-X table does not have.
    case vectorBeyondTable
    /// An EtherType filter for IPv4 or IPv6.
    case etherTypeFilterForIP
    /// A transmit queue was enabled before DMATXCTL.TE (82599).
    case transmitDMAOff
    /// RXCTRL.RXEN was set while the security path lets frames through (82599).
    case receiverEnabledUnderTraffic
    /// HLREG0.RXCRCSTRP and RDRXCTL.CRCSTRIP differ (82599).
    case crcStripDisagrees
    /// Bit 12 of DCA_RXCTRL was not cleared (82599).
    case cacheControlLeft
    /// A flow director filter in a bucket in which the device never looks for it (82599).
    case flowBucketWrong
    /// Statistics are read in a poll loop: each read is a round trip on the bus.
    case statisticsPolled
}

/// How often each ``DriverErrorKind`` was seen.
public struct DriverErrors: Sendable, BitwiseCopyable, CustomStringConvertible {
    private var counts = InlineArray<64, UInt64>(repeating: 0)
    /// All of them together.
    public private(set) var total: UInt64 = 0

    init() {}

    /// How often `error` was seen.
    public subscript(error: DriverErrorKind) -> UInt64 { counts[Int(error.rawValue)] }

    /// The kinds that were seen.
    public var kinds: [DriverErrorKind] { DriverErrorKind.allCases.filter { self[$0] != 0 } }

    public var description: String {
        total == 0 ? "none" : kinds.map { "\($0) x\(self[$0])" }.joined(separator: ", ")
    }

    mutating func count(_ error: DriverErrorKind) {
        counts[Int(error.rawValue)] &+= 1
        total &+= 1
    }
}
