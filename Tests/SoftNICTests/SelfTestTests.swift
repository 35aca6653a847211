import DeviceMemory
import Logging
import NICRegisters
import SoftNIC
import Testing
import Timeline
import VFIODriver

/// The self-test finds each kind of damage that it is for, by the check that is named for it.
@Suite struct SelfTestTests {
    private func failures(
        _ preset: SoftNICPreset = .strict, unmaps: Bool = false,
        damage: (Breakage, MutableByteView) -> Void = { _, _ in }
    ) throws -> [String] {
        let nic = SoftNIC(configuration: SoftNICConfiguration(preset: preset))
        var plan = SelfTestPlan(queues: 2, mtu: 1500, seed: 3)
        plan.unmapsRegion = unmaps
        let region = try DeviceRegion(size: plan.regionBytes(slotSize: 2048), slotSize: 2048, visibility: .flushRead)
        let view = try region.object.view(length: region.slotBytes, rights: .readWrite)
        let breakage = Breakage()
        damage(breakage, view.bytes)
        let device = BrokenDevice(base: SoftPCIDevice(nic), breakage: breakage)
        let outcome = try SelfTest.run(
            I82576Driver<BrokenDevice>.self, on: device, plan: plan, region: region, flushWindow: device.flushWindow,
            recorder: RegisterRecorder(), log: Logger(label: "test"),
            wait: { interval in
                nic.now = nic.now + interval
                _ = nic.step(now: nic.now)
            })
        extendLifetime(view)
        return outcome.checks.filter { !$0.ok }.map { $0.name }
    }

    private func changing(_ offset: UInt32, to value: UInt32?) -> (Breakage, MutableByteView) -> Void {
        { breakage, _ in breakage.write = { $0 == offset ? value : $1 } }
    }

    @Test(arguments: [SoftNICPreset.strict, .qemu]) func aWholeDevicePasses(_ preset: SoftNICPreset) throws {
        #expect(try failures(preset) == [])
    }

    @Test func payloadInTheWrongPlaceIsFound() throws {
        let found = try failures { breakage, region in
            breakage.flush = { region[region.count - 1] = 0 }
        }
        #expect(found.contains("canary"))
    }

    @Test func payloadThatNeverArrivesIsFound() throws {
        let found = try failures { breakage, region in breakage.flush = { region.fill(SelfTest.canary) } }
        #expect(found.contains("canary"))
        #expect(found.contains("header of 54 bytes"))
    }

    @Test func aHeaderOfTheWrongLengthIsFound() throws {
        // Nothing is split after TCP: the boundary is behind the IP header.
        let found = try failures { breakage, _ in
            let types = [I82576.psrtype(1).offset, I82576.psrtype(2).offset]
            breakage.write = { types.contains($0) ? 1 << 1 : $1 }
        }
        #expect(found.contains("header of 54 bytes"))
        #expect(found.contains("header of 138 bytes"))
    }

    @Test func aCheckSequenceLeftInThePayloadIsFound() throws {
        let found = try failures { breakage, _ in
            breakage.write = { $0 == I82576.rctl.offset ? $1 & ~(1 << 26) : $1 }
        }
        #expect(found.contains("payload of 1024 bytes"))
    }

    @Test func aWrongChecksumVerdictIsFound() throws {
        let found = try failures(damage: changing(I82576.rxcsum.offset, to: 1 << 13))
        #expect(found.contains("checksum verdict, tcp"))
        #expect(found.contains("checksum verdict, tcp-bad"))
    }

    @Test func aQueueThatGetsNothingIsFound() throws {
        let table = I82576.reta(0).offset..<I82576.reta(32).offset
        let found = try failures { breakage, _ in
            breakage.write = { table.contains($0) ? 0x0101_0101 : $1 }
        }
        #expect(found == ["queue 2"])
    }

    @Test func anInterruptThatNeverFiresIsFound() throws {
        #expect(try failures(damage: changing(I82576.eims.offset, to: nil)) == ["interrupt"])
    }

    /// The canary is told from a device whose region was taken away, and from one that writes nevertheless.
    @Test func takingTheRegionAwayStopsPayload() throws {
        #expect(try failures(unmaps: true) == [])
        let found = try failures(unmaps: true) { breakage, region in breakage.flush = { region[0] = 0 } }
        #expect(found.contains("without the region"))
    }
}
