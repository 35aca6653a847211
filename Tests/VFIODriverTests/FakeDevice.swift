import DeviceMemory
import NICRegisters
import Timeline

/// An 82576 or 82574 that misbehaves on request: plain registers, and whatever `onRead` and `onWrite` make of them.
final class FakeDevice: PCIDevice {
    struct Registers: Bus {
        let device: FakeDevice
        func read32(_ offset: UInt32) -> UInt32 { device.read(offset) }
        func write32(_ offset: UInt32, _ value: UInt32) { device.write(offset, value) }
    }

    var identity: UInt32 = 0x10C9_8086
    var command: UInt32 = 0
    var registers: [UInt32: UInt32] = [:]
    var isGone = false
    var hasRegisters = true
    /// The device goes away with so many register writes; `nil` is never.
    var diesAfter: Int?
    var linkComesUp = true
    var phyAnswers = true
    var semaphoreIsFree = true
    /// Whether firmware of an 82574 lets go of the PHY's bus.
    var phyBusIsFree = true
    /// Words of the NVM that EERD reads; the sum is right.
    var nvm: [UInt16] = [0x5452, 0x1200, 0x5634] + Array(repeating: 0, count: 60) + [0xFE34]
    /// The dwords of configuration space besides identity and command, by offset.
    var configuration: [Int: UInt32] = [:]
    var ignoredEnables: Set<UInt32> = []
    var stuckEnables: Set<UInt32> = []
    /// Every write, in order.
    var writes: [(UInt32, UInt32)] = []
    var waited = Interval.zero

    init() {
        registers[I82576.ral(0).offset] = 0x1200_5452
        registers[I82576.rah(0).offset] = 0x8000_5634
        registers[I82576.eecd.offset] = 1 << 9
    }

    /// What a register holds, without the side effects of a read.
    func value(_ offset: UInt32) -> UInt32 { registers[offset] ?? 0 }

    private func read(_ offset: UInt32) -> UInt32 {
        if isGone || command & PCIConfig.commandMemory == 0 { return .max }
        if offset == I82576.swsm.offset {
            let value = registers[offset] ?? (semaphoreIsFree ? 0 : 1)
            registers[offset] = value | 1
            return value
        }
        return registers[offset] ?? 0
    }

    private func write(_ offset: UInt32, _ value: UInt32) {
        if isGone { return }
        writes.append((offset, value))
        if let diesAfter, writes.count >= diesAfter { isGone = true }
        var value = value
        switch offset {
        case I82576.ctrl.offset: value &= ~(1 << 26)
        case I82576.mdic.offset where phyAnswers:
            value |= 1 << 28
            if linkComesUp { registers[I82576.status.offset, default: 0] |= 2 }
        case I82574.extcnfCtrl.offset where !phyBusIsFree: value &= ~(1 << 5)
        case I82576.eerd.offset:
            let word = Int(value >> 2 & 0x3FFF)
            value = word < nvm.count ? value | 2 | UInt32(nvm[word]) << 16 : value
        case I82576.swsm.offset where !semaphoreIsFree: value |= 1
        default: break
        }
        let enable: UInt32 = 1 << 25
        if ignoredEnables.contains(offset) { value &= ~enable }
        if stuckEnables.contains(offset) { value |= enable }
        registers[offset] = value
    }

    func readConfig32(_ offset: Int) -> UInt32 {
        if isGone { return .max }
        switch offset {
        case PCIConfig.identity: return identity
        case PCIConfig.command: return command
        default: return configuration[offset] ?? 0
        }
    }
    func writeConfig32(_ offset: Int, _ value: UInt32) {
        if offset == PCIConfig.command { command = value } else { configuration[offset] = value }
    }
    func bar(_ index: Int) -> Registers? { index == 0 && hasRegisters ? Registers(device: self) : nil }
    func reset() {}
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA { IOVA(0x40_0000) }
    func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA { IOVA(0x1_0000_0000) }
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {}
}
