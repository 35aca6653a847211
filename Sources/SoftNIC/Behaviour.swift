public import Timeline

/// When completed receive descriptors are written back.
public enum WriteBack: Sendable, Hashable, BitwiseCopyable {
    /// Each at once.
    case immediate
    /// As many together as RXDCTL.WTHRESH says; with 0 or 1, at once.
    case threshold
    /// Four together, a cache line of them.
    case cacheLine
}

/// In which pieces a completed descriptor reaches memory.
public enum DescriptorPieces: Sendable, Hashable, BitwiseCopyable {
    /// Everything but the done bit, then at once the done bit.
    case whole
    /// Everything but the done bit, then a step later the done bit.
    case doneLast
    /// The first eight bytes, then a step later those with the done bit.
    case halves
    /// The eight bytes with the done bit, then a step later the others: no sound device does it.
    case doneFirst
}

/// Where models and silicon are known to differ: one knob each.
///
/// `qemu` answers as QEMU 10's igb model was observed to, so that one vector file runs against both; `strict` does what the
/// datasheet documents, and checks the driver.
public struct Behaviour: Sendable, Hashable, BitwiseCopyable {
    /// IP that is neither TCP nor UDP is split after its IP header.
    public var splitsOtherProtocols: Bool
    /// The header of an IPv6 fragment includes the fragment header.
    public var countsFragmentHeader: Bool
    /// Ethernet padding of a frame without payload is stored as payload.
    public var storesPadding: Bool
    /// HDR_LEN of an undecodable frame is the header buffer's size (mode 2), instead of 0.
    public var reportsBufferSize: Bool
    /// SPH, HBO and HDR_LEN are in every descriptor of a frame, instead of the first only.
    public var repeatsHeaderStatus: Bool
    /// A frame that no queue has descriptors for waits, instead of being dropped and counted.
    public var holdsWithoutDescriptors: Bool
    /// A queue without DROP_EN that has no descriptors stalls all queues.
    public var stallsWithoutDropEnable: Bool
    /// A tail written while its queue is disabled is kept.
    public var keepsTailOfDisabledQueue: Bool
    /// Held frames move on after a tail or RCTL write only, not after a queue is enabled.
    public var resumesOnTailOnly: Bool
    /// From a write of ENABLE in RXDCTL or TXDCTL to its effect, which a read then shows.
    public var enableLatency: Interval
    /// From a write of MDIC to READY.
    public var phyLatency: Interval
    /// A header address of 0 makes the device eat the whole ring.
    public var nullHeaderEatsRing: Bool
    /// Headers that lie or are unusual are read as QEMU reads them: no SNAP, IPv6 whatever its version field, authentication
    /// headers in units of 8, TCP data offsets below 5, and transport checksums over what is left of a cut packet.
    public var parsesLikeQEMU: Bool
    /// A kept check sequence always goes to the packet buffer, instead of counting as part of the frame that is split.
    public var keepsCRCApart: Bool
    /// A kept check sequence is four zero bytes.
    public var keepsZeroCRC: Bool
    /// RUC counts frames that were padded on arrival, and ROC counts nothing.
    public var countsPaddedFrames: Bool
    /// PSRTYPE, the NFS types and the queue-steering filters exist.
    public var hasFilters: Bool
    /// Bits of SRRCTL.BSIZEHDR that are decoded: 4 or 6.
    public var headerSizeBits: UInt32
    /// DESCTYPE 3 and 4 replicate headers, instead of being taken for one buffer.
    public var replicatesHeaders: Bool
    /// The link comes up by itself after a reset.
    public var linksByItself: Bool
    /// BMSR remembers a lost link until it is read.
    public var latchesLinkLoss: Bool
    /// ICR shows INT_ASSERTED although the cause is masked.
    public var assertsMaskedCauses: Bool
    /// Absent PHY registers read 0, instead of an error.
    public var answersAbsentPHYRegisters: Bool
    /// EECD.Auto_RD and EEMNGCTL.CFG_DONE are set after a reset.
    public var reportsConfigurationDone: Bool
    /// EECD.EE_GNT follows EE_REQ.
    public var grantsEEPROM: Bool
    /// An IPv4 header with options has a packet type of its own.
    public var typesIPv4Options: Bool
    /// RSS tells IPv6 with extension headers from IPv6 without, by MRQC bit and type; QEMU takes bit 18 and type 3 for both.
    public var hashesPlainIPv6: Bool
    /// Dropped frames are counted in RQDPC and MPC.
    public var countsDrops: Bool
    /// Frames that arrive while the receiver is off are lost, instead of waiting on the wire.
    public var losesFramesWhileOff: Bool
    /// Frames under 60 bytes are padded on arrival, as their sender's MAC would have; otherwise dropped and counted.
    public var padsShortFrames: Bool
    /// When completed receive descriptors are written back.
    public var writeBack: WriteBack
    /// In which pieces a descriptor is written back.
    public var descriptorPieces: DescriptorPieces
    /// Legacy descriptors exist: DESCTYPE 0 of receive queues, and DEXT 0 of transmit descriptors.
    public var hasLegacyDescriptors: Bool
    /// A transmit completion raises TXDW only together with a valid vector of its queue.
    public var reportsSentByVector: Bool
    /// GPIE.EIAME: a vector that fires masks itself where EIAM says so.
    public var masksVectorsItself: Bool
    /// MAC control frames are counted, and end in the MAC unless RCTL.PMCF passes them.
    public var handlesMACControl: Bool
    /// Tables that are undefined after power-up hold a pattern, and statistics are not zero.
    public var fillsUndefined: Bool
    /// Every posted buffer is tracked: DMA goes to posted buffers only, and what drivers must not do is counted.
    public var tracksBuffers: Bool
    /// Payload buffers are overwritten when they are posted.
    public var poisonsBuffers: Bool

    /// The knobs of a preset.
    public init(_ preset: SoftNICPreset) {
        let qemu = preset == .qemu
        splitsOtherProtocols = qemu
        countsFragmentHeader = qemu
        storesPadding = qemu
        reportsBufferSize = qemu
        repeatsHeaderStatus = qemu
        holdsWithoutDescriptors = qemu
        stallsWithoutDropEnable = !qemu
        keepsTailOfDisabledQueue = qemu
        resumesOnTailOnly = qemu
        enableLatency = qemu ? .zero : .microseconds(20)
        phyLatency = qemu ? .zero : .microseconds(50)
        nullHeaderEatsRing = qemu
        parsesLikeQEMU = qemu
        keepsCRCApart = qemu
        keepsZeroCRC = qemu
        countsPaddedFrames = qemu
        hasFilters = !qemu
        headerSizeBits = qemu ? 4 : 6
        replicatesHeaders = !qemu
        linksByItself = !qemu
        latchesLinkLoss = !qemu
        assertsMaskedCauses = qemu
        answersAbsentPHYRegisters = !qemu
        reportsConfigurationDone = !qemu
        grantsEEPROM = !qemu
        typesIPv4Options = !qemu
        hashesPlainIPv6 = !qemu
        countsDrops = !qemu
        losesFramesWhileOff = !qemu
        padsShortFrames = true
        writeBack = qemu ? .immediate : .threshold
        descriptorPieces = .whole
        hasLegacyDescriptors = !qemu
        reportsSentByVector = qemu
        masksVectorsItself = !qemu
        handlesMACControl = !qemu
        fillsUndefined = !qemu
        tracksBuffers = !qemu
        poisonsBuffers = !qemu
    }

    /// Knobs drawn from a seed, within what a driver has to live with; checks are on.
    public static func random(seed: UInt64) -> Behaviour {
        var draw = SeededGenerator(seed: seed, stream: 0x6B6E)
        var knobs = Behaviour(.strict)
        func coin() -> Bool { draw.below(2) == 1 }
        knobs.splitsOtherProtocols = coin()
        knobs.countsFragmentHeader = coin()
        knobs.storesPadding = coin()
        knobs.reportsBufferSize = coin()
        knobs.repeatsHeaderStatus = coin()
        knobs.holdsWithoutDescriptors = coin()
        knobs.stallsWithoutDropEnable = coin()
        knobs.keepsTailOfDisabledQueue = coin()
        knobs.resumesOnTailOnly = coin()
        knobs.enableLatency = [.zero, .microseconds(20), .milliseconds(10)][Int(draw.below(3))]
        knobs.phyLatency = [.zero, .microseconds(50), .microseconds(100)][Int(draw.below(3))]
        knobs.nullHeaderEatsRing = coin()
        knobs.parsesLikeQEMU = coin()
        knobs.keepsCRCApart = coin()
        knobs.keepsZeroCRC = coin()
        knobs.countsPaddedFrames = coin()
        knobs.hasFilters = coin()
        knobs.headerSizeBits = coin() ? 4 : 6
        knobs.replicatesHeaders = coin()
        knobs.linksByItself = coin()
        knobs.latchesLinkLoss = coin()
        knobs.assertsMaskedCauses = coin()
        knobs.answersAbsentPHYRegisters = coin()
        knobs.reportsConfigurationDone = coin()
        knobs.grantsEEPROM = coin()
        knobs.typesIPv4Options = coin()
        knobs.hashesPlainIPv6 = coin()
        knobs.countsDrops = coin()
        knobs.losesFramesWhileOff = coin()
        knobs.writeBack = [.immediate, .threshold, .cacheLine][Int(draw.below(3))]
        // Not doneFirst: what a driver reads is wrong then, whatever it does.
        knobs.descriptorPieces = [.whole, .doneLast, .halves][Int(draw.below(3))]
        knobs.hasLegacyDescriptors = coin()
        knobs.reportsSentByVector = coin()
        knobs.masksVectorsItself = coin()
        knobs.handlesMACControl = coin()
        return knobs
    }
}
