public import CShim

/// A window of 32-bit registers: the generic parameter of whatever touches a device.
///
/// Implementations: a volatile pointer for a mapped BAR, messages for a remote model, a call into a model in process. A
/// device that is gone reads all ones. Reads and writes take effect in program order; a read returns a value that includes
/// all earlier writes.
public protocol Bus {
    /// Reads the register at byte `offset`, a multiple of 4. May have side effects: each call is one bus read.
    func read32(_ offset: UInt32) -> UInt32
    /// Writes the register at byte `offset`, a multiple of 4.
    func write32(_ offset: UInt32, _ value: UInt32)
}

/// A mapped BAR, touched by volatile loads and stores.
///
/// Does not own the mapping; an offset beyond the window reads all ones and its writes vanish, as on the bus.
@safe @frozen public struct MappedBus: Bus, @unchecked Sendable {
    @usableFromInline let base: UnsafeMutableRawPointer
    /// Window length in bytes.
    public let count: Int

    /// Wraps a mapping that the caller keeps alive.
    public init(_ window: MutableByteView) {
        unsafe base = window.base
        count = window.count
    }

    @inlinable public func read32(_ offset: UInt32) -> UInt32 {
        guard Int(offset) &+ 4 <= count else { return .max }
        return unsafe shim_mmio_read32(base + Int(offset))
    }

    @inlinable public func write32(_ offset: UInt32, _ value: UInt32) {
        guard Int(offset) &+ 4 <= count else { return }
        unsafe shim_mmio_write32(base + Int(offset), value)
    }
}

/// A tail register: rung once a burst.
@frozen public struct Doorbell: BitwiseCopyable, Sendable {
    /// Byte offset of the tail register.
    public let offset: UInt32

    /// The tail register at `offset` of its BAR.
    @inlinable public init(offset: UInt32) { self.offset = offset }

    /// Publishes every descriptor store made before, then writes the tail.
    ///
    /// The fence is here and not at the callers, because a volatile store alone does not keep earlier ordinary stores in
    /// front of it (measured: `d = 1; doorbell; d = 2` lost the first store).
    @inlinable public func ring<B: Bus>(_ tail: UInt32, on bus: B) {
        shim_doorbell_fence()
        bus.write32(offset, tail)
    }
}
