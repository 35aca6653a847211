public import DeviceMemory
public import Logging
internal import NICRegisters

/// The controller of a ``QTestMachine`` as its driver sees it. Keeps the machine alive.
public struct QTestDevice: PCIDevice {
    /// The machine that it is part of.
    public let machine: QTestMachine
    private let flushOffset: Int
    private let interrupts: HostBlock

    /// A view of the controller of `machine`, whose region's flush page is at `flushOffset`.
    public init(_ machine: QTestMachine, flushOffset: Int) throws(DeviceMemoryError) {
        self.machine = machine
        self.flushOffset = flushOffset
        interrupts = try machine.allocate(bytes: 4096)
    }

    public func readConfig32(_ offset: Int) -> UInt32 { machine.functions.nic.read32(offset) }

    public func writeConfig32(_ offset: Int, _ value: UInt32) { machine.functions.nic.write32(offset, value) }

    public func bar(_ index: Int) -> QTestBus? {
        guard let window = machine.functions.windows.first(where: { $0.index == index }) else { return nil }
        return unsafe QTestBus(machine.connection, base: window.address, count: window.size)
    }

    /// The flush page of the region, as the peer shows it on the bus.
    public var flushWindow: QTestBus { machine.peerBus(at: flushOffset) }

    /// Memory of this program is out of QEMU's reach: rings and headers come from ``QTestMachine/allocate(bytes:alignment:)``.
    public func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        throw .notReachable(name: object.name)
    }

    public func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        let address = try machine.address(ofRegion: region.object)
        machine.setPeerDecoding(true)
        return address
    }

    /// Of the region: its memory leaves the bus. RAM stays reachable, as without an IOMMU.
    public func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        if iova == machine.peerAddress { machine.setPeerDecoding(false) }
    }

    /// Function-level reset where the controller has one (PCI Express 4.0, 6.6.2), else CTRL.RST, which is in the same place in
    /// both families; bus mastering is off afterwards.
    public func reset() {
        machine.functions.nic.command(set: 0, clear: PCIConfig.commandBusMaster)
        if let express = machine.functions.nic.capability(PCIConfig.expressCapability),
            machine.functions.nic.read32(express + 4) & PCIConfig.functionLevelReset != 0
        {
            machine.functions.nic.write32(
                express + 8, (machine.functions.nic.read32(express + 8) & 0xFFFF) | PCIConfig.initiateFunctionLevelReset
            )
            machine.functions.nic.program(machine.functions.windows)
            machine.functions.nic.command(set: PCIConfig.commandMemory)
        } else {
            bar(0)?.write(I82576.ctrl, .init().setting(.reset))
        }
    }

    /// A piece of the machine's RAM; where it lies is QEMU's and the kernel's choice.
    public func hostMemory(
        name: String, size: Int, node: Int?, log: Logger
    ) throws(DeviceMemoryError) -> HostMemory {
        let block = try machine.allocate(bytes: size)
        if node != nil { log.warning("\(name): QEMU's RAM cannot be placed on a NUMA node") }
        return HostMemory(name: name, lent: block.bytes, iova: block.iova)
    }

    /// Lets the first `vectors` MSI-X vectors announce themselves, each by a word in RAM.
    public func enableInterrupts(vectors: Int) throws(DeviceMemoryError) {
        guard let capability = machine.functions.nic.capability(PCIConfig.msixCapability) else {
            throw .noInterrupts(vectors: vectors)
        }
        let control = machine.functions.nic.read32(capability)
        let available = Int(control >> 16 & 0x7FF) + 1
        let table = machine.functions.nic.read32(capability + 4)
        guard vectors > 0, vectors <= min(available, 64), let bus = bar(Int(table & 7)) else {
            throw .noInterrupts(vectors: vectors)
        }
        for vector in 0..<vectors {
            SharedWord(interrupts.bytes, at: 4 * vector).storeReleasing(0)
            // Address low, address high, data, vector control (PCI Local Bus 3.0, 6.8.2.9 on).
            let entry = table & ~7 + 16 * UInt32(vector)
            let address = interrupts.iova + 4 * vector
            bus.write32(entry, UInt32(truncatingIfNeeded: address.rawValue))
            bus.write32(entry + 4, UInt32(truncatingIfNeeded: address.rawValue >> 32))
            bus.write32(entry + 8, 1)
            bus.write32(entry + 12, 0)
        }
        machine.functions.nic.write32(capability, (control & ~PCIConfig.msixMask) | PCIConfig.msixEnable)
    }

    /// None: vectors announce themselves in memory.
    public var interruptDescriptors: [Int32] { [] }

    /// Bit n: vector n fired since the last call. One that fires during the call is in this answer or in the next.
    public func takeInterrupts() -> UInt64 {
        var fired: UInt64 = 0
        for vector in 0..<64 {
            let word = SharedWord(interrupts.bytes, at: 4 * vector)
            if word.loadAcquiring() != 0 {
                word.storeRelaxed(0)
                fired |= 1 << UInt64(vector)
            }
        }
        return fired
    }
}
