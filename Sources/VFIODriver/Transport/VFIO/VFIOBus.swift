public import DeviceMemory

/// One BAR of a device, in two ways: the mapped part, and the descriptor for what cannot be mapped.
@usableFromInline final class BARWindow {
    let index: Int
    /// Bytes of the BAR.
    let size: Int
    /// Where the mapped part begins in the BAR.
    let mappedStart: Int
    private let handle: KernelHandle
    private let fileOffset: Int
    private let view: MappedView?
    let mapped: MutableByteView?

    init(
        index: Int, size: Int, handle: KernelHandle, fileOffset: Int, mappedStart: Int,
        view: consuming MappedView?
    ) {
        self.index = index
        self.size = size
        self.handle = handle
        self.fileOffset = fileOffset
        self.mappedStart = mappedStart
        mapped =
            switch view {
            case .some(let view): view.bytes
            case .none: nil
            }
        self.view = view
    }

    @usableFromInline func read32(_ offset: UInt32) -> UInt32 {
        guard Int(offset) + 4 <= size else { return .max }
        let value = handle.kernel.read(handle.descriptor, at: fileOffset + Int(offset), count: 4)
        return value.map { UInt32(truncatingIfNeeded: $0) } ?? .max
    }

    @usableFromInline func write32(_ offset: UInt32, _ value: UInt32) {
        guard Int(offset) + 4 <= size else { return }
        _ = handle.kernel.write(handle.descriptor, at: fileOffset + Int(offset), count: 4, UInt64(value))
    }
}

/// The registers behind a BAR of a ``VFIODevice``: volatile accesses where the BAR is mapped, a system call each where it
/// cannot be (a page with the MSI-X table on some kernels).
///
/// Does not own the mapping: the device must outlive every bus made from it. Beyond the BAR, reads are all ones and writes
/// vanish.
@safe @frozen public struct VFIOBus: Bus, @unchecked Sendable {
    @usableFromInline let mapped: MappedBus?
    /// Where the mapped part begins in the BAR.
    @usableFromInline let start: UInt32
    // Unmanaged: a counted reference would be counted with every copy of the bus on the packet path.
    @usableFromInline let window: Unmanaged<BARWindow>

    init(_ window: BARWindow) {
        mapped = window.mapped.map { MappedBus($0) }
        start = UInt32(clamping: window.mappedStart)
        unsafe self.window = .passUnretained(window)
    }

    @inlinable public func read32(_ offset: UInt32) -> UInt32 {
        if let mapped, Int(offset &- start) &+ 4 <= mapped.count { return mapped.read32(offset &- start) }
        return unsafe window._withUnsafeGuaranteedRef { $0.read32(offset) }
    }

    @inlinable public func write32(_ offset: UInt32, _ value: UInt32) {
        if let mapped, Int(offset &- start) &+ 4 <= mapped.count { return mapped.write32(offset &- start, value) }
        unsafe window._withUnsafeGuaranteedRef { $0.write32(offset, value) }
    }
}
