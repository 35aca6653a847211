import NICRegisters
import SoftNIC
import Testing

/// The knobs as a whole, and those that no other test turns; the table in hw-notes/82576.md says which test has which.
@Suite struct KnobTests {
    /// Checks on the driver, and what a sender's MAC does anyway: the same in every mixture.
    private static let fixed: Set<String> = ["padsShortFrames", "fillsUndefined", "tracksBuffers", "poisonsBuffers"]

    @Test func everyKnobIsDrawn() {
        var seen: [String: Set<String>] = [:]
        for seed in 0..<64 as Range<UInt64> {
            for knob in Mirror(reflecting: Behaviour.random(seed: seed)).children {
                seen[knob.label ?? "", default: []].insert("\(knob.value)")
            }
        }
        #expect(seen.count > 35)
        for (knob, values) in seen {
            #expect(Self.fixed.contains(knob) ? values.count == 1 : values.count > 1, "\(knob): \(values)")
        }
        #expect(seen["descriptorPieces"]?.contains("doneFirst") == false, "no sound device does it")
    }

    @Test func theEEPROMIsGrantedOnSilicon() throws {
        for (preset, granted) in [(SoftNICPreset.strict, true), (.qemu, false)] {
            let bench = try Bench(preset)
            bench.bus.modify(I82576.eecd) { $0[.request] = true }
            #expect(bench.bus.read(I82576.eecd)[.grant] == granted && bench.bus.read(I82576.eecd)[.request])
        }
    }

    /// A header buffer of 1 KiB is 16 units: more than QEMU's four bits hold.
    @Test func bitsOfTheHeaderBufferSize() throws {
        for (preset, bytes) in [(SoftNICPreset.strict, 600), (.qemu, 0)] {
            let bench = try Bench(preset)
            bench.link()
            bench.startQueue(0, type: 5, headerSize: 1024)
            bench.enableReceiver()
            bench.send(
                FrameRecipe {
                    $0.network = .other(0x88B5)
                    $0.payload = 586
                })
            #expect(bench.completion(0, 0).isDone && bench.completion(0, 0).headerLength == bytes)
        }
    }
}
