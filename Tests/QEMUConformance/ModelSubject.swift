import DeviceMemory
import SoftNIC
import Timeline

/// The model, behaving as QEMU's.
final class ModelSubject: Subject {
    let name = "SoftNIC"
    let nic: SoftNIC
    let bus: SoftBus
    let host: HostBlock
    let region: HostBlock
    private let hostView: MappedView
    private let regionView: MappedView
    private var now = Instant.zero

    init(_ configuration: SoftNICConfiguration, hostBytes: Int, regionBytes: Int) throws {
        nic = SoftNIC(configuration: configuration)
        bus = SoftBus(nic, .registers)
        let hostMemory = try MemoryObject(name: "host", size: hostBytes)
        let regionMemory = try MemoryObject(name: "region", size: regionBytes)
        let hostView = try hostMemory.view(rights: .readWrite)
        let regionView = try regionMemory.view(rights: .readWrite)
        host = HostBlock(
            bytes: hostView.bytes,
            iova: try nic.map(hostMemory, offset: 0, length: hostBytes, rights: .readWrite, isRegion: false))
        region = HostBlock(
            bytes: regionView.bytes,
            iova: try nic.map(regionMemory, offset: 0, length: regionBytes, rights: .write, isRegion: true))
        self.hostView = hostView
        self.regionView = regionView
        nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
    }

    func inject(_ frame: [UInt8]) throws {
        let bytes = HeapBytes(count: max(frame.count, 1))
        for index in frame.indices { bytes.bytes[index] = frame[index] }
        var taken = false
        for _ in 0..<100 where !taken {
            taken = nic.receive(bytes.bytes.readOnly.slice(0, frame.count))
            if !taken { run(.microseconds(10)) }
        }
        extendLifetime(bytes)
        if taken { return }
        throw ConformanceError("the model does not take frames any more")
    }

    func settle(until condition: () -> Bool) throws {
        for _ in 0..<1000 {
            run(.milliseconds(1))
            if condition() { return }
        }
        throw ConformanceError("the model did not finish within a second of its time")
    }

    private func run(_ interval: Interval) {
        now = now + interval
        while nic.step(now: now) {}
        nic.drainPayload()
    }
}
