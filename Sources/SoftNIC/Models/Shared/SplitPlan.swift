/// Where the bytes of a frame go, and what the descriptor says about it: the split table of the 82575 manual (table 33).
struct SplitPlan: BitwiseCopyable, Hashable {
    /// Bytes from the start of the frame that go to the header buffer.
    var headerBytes = 0
    /// First byte that goes to the packet buffer.
    var payloadStart = 0
    /// Bytes that go to packet buffers.
    var payloadLength = 0
    /// Of those, a check sequence at the end that is kept apart from the frame.
    var checkSequence = 0
    /// HDR_LEN.
    var headerLength = 0
    /// SPH.
    var splitHeader = false
    /// HBO.
    var headerOverflow = false

    /// - Parameters:
    ///   - type: SRRCTL.DESCTYPE.
    ///   - length: of the frame as stored.
    ///   - header: where its header ends, when the device can split it.
    ///   - headerSize: of the header buffer.
    ///   - payloadEnd: where its payload ends; before `length` when padding is not stored.
    init(
        type: UInt32, length: Int, header: Int?, headerSize: Int, payloadEnd: Int, behaviour: Behaviour
    ) {
        // A header that ends beyond the frame and fits its buffer ends QEMU; here the frame is not split.
        let header = header.flatMap { $0 > length && $0 <= headerSize ? nil : $0 }
        switch type {
        case 2: planSplit(length, header, headerSize, payloadEnd, behaviour)
        case 5: planAlways(length, header, headerSize, payloadEnd)
        case 3, 4:
            payloadLength = length
            guard behaviour.replicatesHeaders, type == 3 || length > headerSize else { return }
            headerBytes = min(length, headerSize)
            headerLength = header ?? headerBytes
            splitHeader = header != nil
        default: payloadLength = length
        }
    }

    /// How many of the `chunk` bytes that a descriptor has for the payload from `offset` on are written.
    ///
    /// Of a check sequence that is kept apart, QEMU writes what comes with the frame's last byte in its last descriptor.
    func written(_ chunk: Int, at offset: Int) -> Int {
        guard checkSequence > 0 else { return chunk }
        let end = payloadLength - checkSequence
        guard offset < end || end == 0 else { return 0 }
        return offset + chunk >= payloadLength ? chunk : min(chunk, end - offset)
    }

    private mutating func planSplit(
        _ length: Int, _ header: Int?, _ headerSize: Int, _ payloadEnd: Int, _ behaviour: Behaviour
    ) {
        guard let header else {
            payloadLength = length
            headerLength = behaviour.reportsBufferSize ? headerSize : 0
            return
        }
        headerLength = header
        splitHeader = true
        guard header <= headerSize else {
            headerOverflow = true
            payloadLength = length
            return
        }
        headerBytes = header
        payloadStart = header
        payloadLength = payloadEnd - header
    }

    private mutating func planAlways(_ length: Int, _ header: Int?, _ headerSize: Int, _ payloadEnd: Int) {
        if length <= headerSize {
            headerBytes = length
            headerLength = length
            return
        }
        guard let header, header <= headerSize else {
            headerBytes = headerSize
            payloadStart = headerSize
            payloadLength = length - headerSize
            headerLength = header ?? headerSize
            splitHeader = header != nil
            headerOverflow = header != nil
            return
        }
        headerBytes = header
        payloadStart = header
        payloadLength = payloadEnd - header
        headerLength = header
        splitHeader = true
    }
}
