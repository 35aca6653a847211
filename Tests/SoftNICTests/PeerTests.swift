import DeviceMemory
import Logging
import NICRegisters
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// A port whose frames come from another: what happens on the way is found by the receiver's checks.
@Suite struct PeerTests {
    /// Names of the checks that fail; `cable` changes a frame, or empties it so that it is lost.
    private func failures(_ cable: @escaping (inout [UInt8]) -> Void) throws -> [String] {
        let sender = SoftNIC(
            configuration: SoftNICConfiguration(model: .i82574, preset: .strict, macAddress: [2, 0, 0, 0, 0, 9]))
        let receiver = SoftNIC(configuration: SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 8]))
        var inLoopback = false
        var strangers = 0
        let wait: (Interval) -> Void = { interval in
            for nic in [sender, receiver] { nic.now = nic.now + interval }
            _ = sender.step(now: sender.now)
            while let frame = sender.nextTransmitted() {
                var bytes = frame.array()
                if bytes[..<12] != [2, 0, 0, 0, 0, 8, 2, 0, 0, 0, 0, 9] { strangers += 1 }
                // RCTL.LBM (82576 datasheet, section 3.5.6.3).
                if receiver.read32(bar: 0, offset: I82576.rctl.offset) & 0xC0 != 0 { inLoopback = true }
                cable(&bytes)
                let copy = HeapBytes(count: 16384)
                copy.bytes.store(bytes)
                if !bytes.isEmpty { _ = receiver.receive(copy.bytes.readOnly.slice(0, bytes.count)) }
                extendLifetime(copy)
                sender.popTransmitted()
            }
            _ = receiver.step(now: receiver.now)
        }
        let plan = SelfTestPlan(queues: 2, mtu: 1500, seed: 3)
        let region = try DeviceRegion(size: plan.regionBytes(slotSize: 2048), slotSize: 2048, visibility: .flushRead)
        let log = Logger(label: "test")
        var sending = plan.configuration
        sending.splitQueues = 1
        let port = try SendingPort<I82574Driver<SoftPCIDevice>>.make(
            SoftPCIDevice(sender), configuration: sending, slotSize: 2048, log: log, wait: wait)
        let device = SoftPCIDevice(receiver)
        let outcome = try SelfTest.run(
            I82576Driver<SoftPCIDevice>.self, on: device, plan: plan, region: region, flushWindow: device.flushWindow,
            sender: port, recorder: RegisterRecorder(), log: log, wait: wait)
        port.shutDown()
        #expect(!inLoopback && strangers == 0)
        #expect(sender.flags.total == 0 && receiver.flags.total == 0)
        return outcome.checks.filter { !$0.ok }.map { $0.name }
    }

    @Test func whatArrivesUnchangedPasses() throws {
        var frames = 0
        #expect(try failures { _ in frames += 1 } == [])
        #expect(frames > 250)
    }

    /// Nothing comes but by the cable.
    @Test func aCutCableIsFound() throws {
        #expect(try failures { $0 = [] } == ["canary"])
    }

    @Test func aChangedPayloadIsFound() throws {
        let found = try failures { if $0.count > 1000 { $0[900] ^= 1 } }
        #expect(found.contains("canary") && found.contains("header of 54 bytes"))
    }

    @Test func framesOfAnotherStationAreFound() throws {
        #expect(try failures { $0[11] ^= 1 }.contains("canary"))
    }

    /// The sender inserts it: a checksum that was not inserted arrives as the pseudo header's sum.
    @Test func aMissingTransmitChecksumIsFound() throws {
        let found = try failures { frame in
            guard frame.count == 54 + 999 else { return }
            frame[50] = 0x12
            frame[51] = 0x34
        }
        #expect(found == ["transmit checksum, 999 bytes"])
    }
}
