internal import DeviceMemory
internal import NICRegisters
internal import Packets
internal import Timeline

/// DMA of a received frame: payload, header, descriptor.
extension I82599Model {
    /// The fields of a frame's last descriptor that do not depend on its layout.
    struct WriteBackFields: BitwiseCopyable {
        /// RSS type and packet type: bits 16:0 of the first word.
        var types: UInt32 = 0
        /// RSS hash, filter and bucket, or IP identification: bits 63:32 of the first word.
        var hash: UInt32 = 0
        /// Status and error bits beyond DD, EOP and HBO.
        var status: UInt32 = 0
        /// VLAN tag.
        var tag: UInt16 = 0
    }

    mutating func makeWriteBack(
        _ frame: ByteView, _ parsed: ParsedFrame, _ type: ReceiveSideScaling.HashType, _ hash: UInt32, _ tag: UInt16?,
        _ verdict: I82599Verdict
    ) -> WriteBackFields {
        var fields = WriteBackFields()
        let checks = core.capabilities.receiveChecksum
        let found = ChecksumFinding(
            frame, parsed, header: checks, transport: checks, sctp: checks, mark: checks ? fifo.frontMark : .none
        ).bits
        // The errors stand one bit above those of the 82576: TCPE 30, IPE 31.
        fields.status = found & 0x7F | (found & 0x6000_0000) &<< 1
        fields.types = UInt32(type.rawValue) | packetType(parsed)
        if registers[I82599.rxcsum][.packetChecksumDisable] {
            fields.hash = hash
        } else if parsed.network == .ipv4 {
            fields.hash = UInt32(frame.be16(parsed.networkOffset &+ 4))
        }
        if let flow = verdict.flow {
            // FLM, bit 2; with REPORT_STATUS the filter's name below its bucket, and RSS type 15.
            fields.status |= 1 << 2
            if registers[I82599.fdirctrl][.reportStatus] {
                fields.hash = flow.identifier | flow.bucket &<< 16
                fields.types = fields.types | 0xF
            }
        }
        // Bit 15 of the packet type: an EtherType filter, whose number is in 6:4.
        if let number = verdict.etherTypeFilter {
            fields.types = UInt32(type.rawValue) | 0x8000 | UInt32(truncatingIfNeeded: number) &<< 4
        }
        if let tag {
            fields.status |= 1 << 3
            fields.tag = tag
        }
        return fields
    }

    private func packetType(_ parsed: ParsedFrame) -> UInt32 {
        var type: UInt32
        switch parsed.network {
        case .none: return 0
        case .ipv4: type = parsed.hasExtensions ? 0x20 : 0x10
        case .ipv6: type = parsed.hasExtensions ? 0x80 : 0x40
        }
        guard !parsed.isFragment else { return type }
        switch parsed.transport {
        case .none: break
        case .tcp: type |= 0x100
        case .udp: type |= 0x200
        case .sctp: type |= 0x400
        }
        return type
    }

    /// Writes a frame to `queue`, which has room for it.
    mutating func deliver(_ frame: ByteView, _ plan: SplitPlan, to queue: Int, _ fields: WriteBackFields) {
        guard let words = translateReceiveRing(queue) else { return }
        let state = receiveQueues[queue]
        let losesData = core.losesNextFrame()
        var index = state.head
        var offset = 0
        var isFirst = true
        repeat {
            guard core.takesDescriptor() else { return }
            let payload = words.load(2 &* index)
            let header = words.load(2 &* index &+ 1)
            if trace.isEnabled, let bytes = state.bytes {
                trace.record(
                    .descriptorFetched, at: now, UInt64(queue), UInt64(index),
                    view: bytes.slice(index &* 16, 16).readOnly)
            }
            let chunk = min(plan.payloadLength &- offset, state.packetSize)
            if isPosted(payload, queue, index) && !losesData {
                if chunk > 0 { core.writePayload(frame.slice(plan.payloadStart &+ offset, chunk), payload) }
                if isFirst && plan.headerBytes > 0 { core.writeHeader(frame.slice(0, plan.headerBytes), header & ~1) }
            }
            offset &+= chunk
            let isLast = offset >= plan.payloadLength
            writeBack(words, index, queue, plan, fields, length: chunk, isFirst: isFirst, isLast: isLast)
            index = index &+ 1 == state.count ? 0 : index &+ 1
            isFirst = false
            if isLast { break }
        } while true
        receiveQueues[queue].head = index
        registers[I82599.rdh(queue)] = PlainValue(UInt32(truncatingIfNeeded: index))
        announce(receiveVector(queue))
    }

    /// The strict rule: DMA goes to buffers that are posted now.
    private mutating func isPosted(_ payload: UInt64, _ queue: Int, _ index: Int) -> Bool {
        guard behaviour.tracksBuffers else { return true }
        if posted.remove(payload) { return true }
        flag(.bufferNotPosted, UInt64(index))
        return false
    }

    private mutating func writeBack(
        _ words: DescriptorWords, _ index: Int, _ queue: Int, _ plan: SplitPlan, _ fields: WriteBackFields,
        length: Int, isFirst: Bool, isLast: Bool
    ) {
        var first: UInt64 = 0
        // Bit 0 is DD, bit 1 EOP, bit 23 HBO; everything but DD and lengths comes with EOP only.
        var status: UInt32 = 1
        if isFirst || behaviour.repeatsHeaderStatus {
            first |= UInt64(plan.headerLength & 0x3FF) &<< 21 | (plan.splitHeader ? 1 << 31 : 0)
        }
        if plan.headerOverflow && (isLast || behaviour.repeatsHeaderStatus) { status |= 1 << 23 }
        if isLast {
            first |= UInt64(fields.types) | UInt64(fields.hash) &<< 32
            status |= fields.status | 1 << 1
        }
        let tag = isLast ? UInt64(fields.tag) : 0
        let second = UInt64(status) | UInt64(length & 0xFFFF) &<< 32 | tag &<< 48
        core.publish(words, index, first, second, done: 1)
        if behaviour.tracksBuffers {
            let written = writtenBack[queue].bytes
            if index &* 8 &+ 8 <= written.count { written.setLE64(index &* 8, second) }
        }
        if trace.isEnabled, let bytes = receiveQueues[queue].bytes {
            trace.record(
                .descriptorWrittenBack, at: now, UInt64(queue), UInt64(index),
                view: bytes.slice(index &* 16, 16).readOnly)
        }
    }
}
