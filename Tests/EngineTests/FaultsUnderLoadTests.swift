import ClientKit
import DeviceMemory
import Logging
import Packets
import PagePool
import SoftNIC
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// A device that fails while data flows: the engine goes on, stops when it is told to, and every slot comes back.
@Suite struct FaultsUnderLoadTests {
    struct Outcome {
        var bytes = 0
        /// Records whose bytes do not have the sum that their verified header promised.
        var wrongSums = 0
        var afterFault = 0
        var ledger = ""
        var balanced = false
        var iommuFaults: UInt64 = 0
    }

    /// Sends for a while, does `fault` to the device, and goes on for as long again.
    private func run(
        _ change: (inout SoftNICConfiguration) -> Void = { _ in }, fault: (SoftNIC) -> Void
    ) throws -> Outcome {
        var model = SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 1])
        change(&model)
        let nic = SoftNIC(configuration: model)
        let region = try DeviceRegion(size: 2 << 20, slotSize: 4096, visibility: .flushRead)
        let seen = try region.object.view(length: region.slotBytes, rights: .read)
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        let channel = ApplicationChannel(memory.bytes)
        let device = SoftPCIDevice(nic)
        var stack = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24))
        stack.slotBudget = 256
        stack.slotsPerFlow = 128
        var configuration = EngineConfiguration(stack: stack)
        configuration.device.splitQueues = 1
        configuration.device.receiveDescriptors = 64
        var engine = try Engine<I82576Driver<SoftPCIDevice>>(
            device: device, configuration: configuration, region: region, flushWindow: device.flushWindow,
            channel: channel, log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ = nic.step(now: nic.now + $0) }
        try engine.stack.listen(port: 5001)
        var client = ApplicationClient(channel)
        var sender = try Sender(to: IPv4Address(10, 0, 0, 1), 5001, now: nic.now)
        let message = HeapBytes(count: 4096)
        for i in 0..<message.bytes.count { message.bytes[i] = UInt8(truncatingIfNeeded: i &* 31) }
        var outcome = Outcome()
        for turn in 0..<4000 {
            if turn == 2000 { fault(nic) }
            let now = nic.now + .microseconds(10)
            _ = sender.stack.send(sender.connection, message.bytes.readOnly)
            sender.poll(nic, now: now)
            _ = nic.step(now: now)
            _ = engine.poll(now: now)
            while let record = client.next() {
                guard record.kind == .device else { continue }
                let bytes = seen.bytes.readOnly.slice(Int(record.offset), Int(record.length))
                var sum = InternetChecksum()
                sum.add(bytes)
                if record.hasPayloadSum && sum.folded % 0xFFFF != record.payloadSum % 0xFFFF { outcome.wrongSums += 1 }
                outcome.bytes += bytes.count
                if turn >= 2000 { outcome.afterFault += bytes.count }
                _ = client.giveBack(record.token)
            }
            client.flush()
        }
        engine.shutDown { _ = nic.step(now: nic.now + $0) }
        while client.next() != nil {}
        _ = engine.takeReturns()
        let ledger = engine.report().ledger
        outcome.ledger = "\(ledger)"
        outcome.balanced =
            ledger.isBalanced && ledger.ring == 0 && ledger.stack == 0
            && ledger.pool + ledger.application == ledger.total
        outcome.iommuFaults = nic.iommuFaultCount
        extendLifetime(message)
        extendLifetime(memory)
        return outcome
    }

    @Test("without a fault the whole stream arrives, with every sum right") func clean() throws {
        let outcome = try run { _ in }
        #expect(outcome.afterFault > 100_000 && outcome.wrongSums == 0 && outcome.balanced, "\(outcome)")
    }

    @Test("a device that is reset under load delivers no more, writes nowhere, and costs no slot") func reset() throws {
        let outcome = try run { $0.reset() }
        #expect(outcome.bytes > 100_000 && outcome.wrongSums == 0 && outcome.balanced, "\(outcome)")
        #expect(outcome.afterFault < 100_000 && outcome.iommuFaults == 0, "\(outcome)")
    }

    @Test("a device that is unplugged under load ends nothing but itself") func unplugged() throws {
        var at = Instant.never
        let probe = try run { at = $0.now }
        let outcome = try run {
            $0.faults.unpluggedAt = at
        } fault: { _ in
        }
        #expect(probe.balanced && outcome.bytes > 100_000 && outcome.wrongSums == 0 && outcome.balanced, "\(outcome)")
        #expect(outcome.afterFault < 100_000, "\(outcome)")
    }

    @Test("frames that are reported done without their bytes are no data: what lay in their buffers is not delivered")
    func lost() throws {
        let outcome = try run {
            $0.faults.losesDataEvery = 10
        } fault: { _ in
        }
        #expect(outcome.bytes > 50_000 && outcome.wrongSums == 0 && outcome.balanced, "\(outcome)")
    }
}
