import ClientKit
import DeviceMemory
import Logging
import Packets
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// A part that is taken from the model is what the driver refuses the device for, and nothing else is.
@Suite struct MissingPartTests {
    private func refusal<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type, _ model: SoftNICModel, queues: Int = 1,
        _ change: (inout SoftNICCapabilities) -> Void
    ) throws -> String where Driver.Device == SoftPCIDevice {
        var model = SoftNICConfiguration(model: model, preset: .strict, macAddress: [2, 0, 0, 0, 0, 1])
        change(&model.capabilities)
        let nic = SoftNIC(configuration: model)
        let device = SoftPCIDevice(nic)
        let region = try DeviceRegion(size: 4 << 20, slotSize: 4096, visibility: .flushRead)
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        var configuration = EngineConfiguration(
            stack: Configuration(
                interface: InterfaceConfiguration(
                    mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24)))
        configuration.device.splitQueues = queues
        configuration.device.receiveDescriptors = 64
        var refused = ""
        do {
            var engine = try Engine<Driver>(
                device: device, configuration: configuration, region: region, flushWindow: device.flushWindow,
                channel: ApplicationChannel(memory.bytes),
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            ) { _ = nic.step(now: nic.now + $0) }
            do {
                try engine.enableInterrupts()
            } catch {
                refused = error.description
            }
            engine.shutDown { _ = nic.step(now: nic.now + $0) }
        } catch {
            refused = error.description
        }
        #expect(nic.flags.total == 0, "\(nic.flags)")
        extendLifetime(memory)
        return refused
    }

    private func check<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type, _ model: SoftNICModel, verdictsAreOptional: Bool = true
    ) throws where Driver.Device == SoftPCIDevice {
        #expect(try refusal(driver, model) { _ in } == "")
        #expect(try refusal(driver, model) { $0.headerSplit = false }.hasPrefix("header split is missing"))
        #expect(
            try refusal(driver, model) { $0.receiveSideScaling = false }.hasPrefix("receive-side scaling is missing"))
        #expect(try refusal(driver, model) { $0.vectors = 0 }.contains("MSI-X"))
        if verdictsAreOptional {
            #expect(
                try refusal(driver, model) { $0.receiveChecksum = false }
                    .hasPrefix("receive checksum offload is missing"))
        }
    }

    @Test("an 82576 is refused for the part that it lacks") func igb() throws {
        try check(I82576Driver<SoftPCIDevice>.self, .i82576)
        let tooMany = try refusal(I82576Driver<SoftPCIDevice>.self, .i82576, queues: 4) { $0.queues = 4 }
        #expect(tooMany == DriverError.tooManyQueues(asked: 4, limit: 3).description)
        #expect(
            try refusal(I82576Driver<SoftPCIDevice>.self, .i82576) { $0.queues = 1 }
                .hasPrefix("a second receive queue is missing"))
    }

    @Test("an 82574 is refused for the part that it lacks") func e1000e() throws {
        try check(I82574Driver<SoftPCIDevice>.self, .i82574)
    }

    @Test("an 82599 is refused for the part that it lacks") func ixgbe() throws {
        // Nothing but frames shows that it gives no verdicts.
        try check(I82599Driver<SoftPCIDevice>.self, .i82599, verdictsAreOptional: false)
    }
}
