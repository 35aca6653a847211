public import DeviceMemory

/// A window on a device of a ``QTestMachine``: every access is one exchange with QEMU.
///
/// Does not own the machine, which must outlive every bus made from it; one thread uses a machine and its buses.
@safe public struct QTestBus: Bus, @unchecked Sendable {
    let connection: UnsafeMutablePointer<QTestConnection>
    let base: UInt64
    let count: UInt64

    /// `count` bytes from physical address `base` on.
    init(_ connection: UnsafeMutablePointer<QTestConnection>, base: UInt64, count: UInt64) {
        unsafe self.connection = connection
        self.base = base
        self.count = count
    }

    public func read32(_ offset: UInt32) -> UInt32 {
        guard UInt64(offset) &+ 4 <= count else { return .max }
        return unsafe connection.pointee.read32(base &+ UInt64(offset))
    }

    public func write32(_ offset: UInt32, _ value: UInt32) {
        guard UInt64(offset) &+ 4 <= count else { return }
        unsafe connection.pointee.write32(base &+ UInt64(offset), value)
    }
}
