import DeviceMemory
import Testing

@testable import PagePool

/// Host memory that lives as long as whoever refers to it.
final class HostBytes {
    private let memory: HeapBytes
    init(_ count: Int) { memory = HeapBytes(count: count) }
    func block(at iova: IOVA = IOVA(0x4000_0000)) -> HostBlock { HostBlock(bytes: memory.bytes, iova: iova) }
}

/// One of the providers that the conformance suite runs over; all have eight slots that may be out.
struct ProviderSubject: Sendable, CustomTestStringConvertible {
    enum Base: String, CaseIterable { case region, runs, registered, unreadable, hugePages }
    enum Policy: String, CaseIterable { case plain, capped, preallocated, cappedAndPreallocated }

    var base: Base
    var policy: Policy
    var slotSize: Int

    static let usable = 8
    static let all = Base.allCases.flatMap { base in
        Policy.allCases.flatMap { policy in
            [2048, 16 << 10, 2 << 20].map { ProviderSubject(base: base, policy: policy, slotSize: $0) }
        }
    }

    var testDescription: String { "\(base) \(policy) \(slotSize >> 10)K" }
    var isHost: Bool { base != .region && base != .runs }
    var isReadable: Bool { base == .registered || base == .hugePages }
    var isPreallocated: Bool { policy == .preallocated || policy == .cappedAndPreallocated }
    var isCapped: Bool { policy == .capped || policy == .cappedAndPreallocated }

    /// Slots of the memory: more than may be out where a cap decides, and always those of whole huge pages.
    var slots: Int {
        let wanted = isCapped ? 2 * ProviderSubject.usable : ProviderSubject.usable
        return base == .hugePages ? max(wanted, (2 << 20) / slotSize) : wanted
    }

    /// Slots that may be out: huge pages without a cap have more than the others.
    var usable: Int { isCapped ? ProviderSubject.usable : slots }

    /// Where the device sees each slot, slot by slot.
    var addresses: [UInt64] {
        let size = UInt64(slotSize)
        guard base == .runs else { return (0..<UInt64(slots)).map { 0x4000_0000 + $0 * size } }
        // One run of three slots, one of one, and what is left, in no order.
        let runs: [(UInt64, Int)] = [(0x9000_0000, 3), (0x1000_0000, 1), (0x4_0000_0000, slots - 4)]
        return runs.flatMap { base, count in (0..<UInt64(count)).map { base + $0 * size } }
    }

    func provider(_ memory: HostBytes) throws(PagePoolError) -> MemoryProvider {
        var provider: MemoryProvider
        switch base {
        case .region:
            provider = try MemoryProvider(
                deviceRegion: [DeviceRun(base: IOVA(0x4000_0000), length: slots * slotSize)], slotSize: slotSize)
        case .runs:
            provider = try MemoryProvider(
                deviceRegion: [
                    DeviceRun(base: IOVA(0x9000_0000), length: 3 * slotSize),
                    DeviceRun(base: IOVA(0x1000_0000), length: slotSize),
                    DeviceRun(base: IOVA(0x4_0000_0000), length: (slots - 4) * slotSize),
                ], slotSize: slotSize)
        case .registered, .unreadable:
            provider = try MemoryProvider(
                registered: memory.block().slice(0, slots * slotSize), slotSize: slotSize,
                readable: base == .registered)
        case .hugePages:
            provider = try MemoryProvider(
                hugePages: memory.block().slice(0, slots * slotSize), slotSize: slotSize)
        }
        if isCapped { provider = try provider.capped(at: ProviderSubject.usable) }
        if isPreallocated { provider = provider.preallocated() }
        return provider
    }

    /// Enough host memory for this subject.
    var memory: HostBytes { HostBytes(isHost ? slots * slotSize : 0) }
}
