public import DeviceMemory

/// The advanced receive descriptor as the 82599 and its successors write it back: the layout of the 82576, with the error
/// bits of checksums one place up and, with EOP clear, a link to the next descriptor of a coalesced packet (which is off).
///
/// Source: public drivers of the family (IPE bit 31, TCPE bit 30, RXE bit 29 of the extended status).
public enum TenGigabitSplitFormat: SplitDescriptorFormat {
    @inlinable public static var stride: Int { AdvancedSplitFormat.stride }
    @inlinable public static var tailUnit: UInt32 { AdvancedSplitFormat.tailUnit }
    @inlinable public static var ringAlignment: Int { AdvancedSplitFormat.ringAlignment }

    @inlinable public static func post(_ ring: DescriptorWords, index: Int, payload: IOVA, header: IOVA) {
        AdvancedSplitFormat.post(ring, index: index, payload: payload, header: header)
    }

    @inlinable public static func completion(_ ring: DescriptorWords, index: Int) -> ReceiveCompletion? {
        guard let wb = AdvancedReceiveWriteBack(doneIn: ring, index: index) else { return nil }
        return wb.completion(
            index, frameError: wb.status & (1 << 29) != 0, transportBad: wb.status & (1 << 30) != 0,
            headerBad: wb.status & (1 << 31) != 0)
    }
}
