import DeviceMemory
import Glibc
import VFIODriver

/// QEMU's controller.
final class QEMUSubject: Subject {
    let name: String
    let machine: QTestMachine
    let device: QTestDevice
    let bus: QTestBus
    let host: HostBlock
    let region: HostBlock
    private let view: MappedView
    private let wire: OwnedDescriptor

    init(_ family: NICFamily, hostBytes: Int, regionBytes: Int, macAddress: [UInt8]) throws {
        let memory = try DeviceRegion(size: regionBytes, slotSize: 4096, visibility: .flushRead)
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin"
        machine = try QTestMachine(family, macAddress: macAddress, region: memory.object, searchPath: path)
        device = try QTestDevice(machine, flushOffset: memory.flushOffset)
        name = "QEMU \(machine.version)"
        device.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        guard let bus = device.bar(0) else { throw ConformanceError("QEMU's controller has no registers") }
        self.bus = bus
        host = try machine.allocate(bytes: hostBytes)
        let view = try memory.object.view(length: memory.slotBytes, rights: .readWrite)
        region = HostBlock(bytes: view.bytes, iova: try device.mapRegion(memory))
        self.view = view
        guard let wire = machine.takeWire() else { throw ConformanceError("QEMU's wire is gone") }
        // Bounded: QEMU stops reading when nothing can be received.
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        unsafe setsockopt(
            wire.rawValue, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        self.wire = wire
    }

    func inject(_ frame: [UInt8]) throws {
        let sent = unsafe frame.withUnsafeBytes { bytes in
            unsafe send(wire.rawValue, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        if sent != frame.count { throw gone("does not take frames any more") }
    }

    func settle(until condition: () -> Bool) throws {
        for _ in 0..<50_000 {
            if condition() { return }
            if machine.isGone { break }
            usleep(100)
        }
        throw gone("did not finish within 5 s")
    }

    private func gone(_ what: String) -> ConformanceError {
        machine.look()
        return ConformanceError(machine.isGone ? "QEMU ended: \(machine.lastWords)" : "QEMU \(what)")
    }
}
