import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// A driver may write anything anywhere: the model counts and carries on.
@Suite struct HostileDriverTests {
    private struct Dice {
        var generator: SeededGenerator
        mutating func below(_ bound: UInt32) -> Int { Int(generator.below(bound)) }
        mutating func word() -> UInt64 { generator.next() }
    }

    /// Offsets that matter most, next to any other.
    private func offset(_ dice: inout Dice) -> UInt32 {
        switch dice.below(10) {
        case 8: [0x00C8, 0x00D0, 0x1514, 0x1520, 0x1524, 0x1680, 0x1700, 0x1740][dice.below(8)]
        case 9: [0x55FC, 0x5980, 0x59C0, 0x59E0, 0x5A80, 0x5AA0, 0x5CB0, 0x2408][dice.below(8)]
        case 0, 1, 2: 0xC000 + UInt32(dice.below(4)) * 0x40 + UInt32(dice.below(13)) * 4
        case 3, 4: 0xE000 + UInt32(dice.below(2)) * 0x40 + UInt32(dice.below(16)) * 4
        case 5: [0x0100, 0x0400, 0x5000, 0x5008, 0x5818, 0x5C00, 0x0020, 0x0014][dice.below(8)]
        default: UInt32(dice.below(0x8000)) * 4
        }
    }

    private func value(_ dice: inout Dice, _ bench: Bench) -> UInt32 {
        switch dice.below(6) {
        case 0: 0
        case 1: UInt32(dice.below(300))
        case 2: UInt32(dice.below(64)) * 128
        case 3: UInt32(truncatingIfNeeded: bench.hostIOVA.rawValue) + UInt32(dice.below(64)) * 128
        case 4: 1 << 25 | UInt32(dice.below(16)) << 16
        default: UInt32(truncatingIfNeeded: dice.word())
        }
    }

    /// Descriptors of nearly sensible kinds, anywhere in the first pages.
    private func scribble(_ dice: inout Dice, _ bench: Bench) {
        let offset = dice.below(512) * 16
        let inRegion = bench.regionIOVA.rawValue + UInt64(dice.below(UInt32(Bench.slots * Bench.slotSize)))
        let inHost = bench.hostIOVA.rawValue + UInt64(dice.below(UInt32(Bench.hostSize)))
        let first = [inRegion, inHost, dice.word(), 0][dice.below(4)]
        let length = UInt64(dice.below(2000))
        let data = length | 3 << 20 | 1 << 29 | UInt64(dice.below(256)) << 24 | dice.word() << 32
        let context = 2 << 20 | 1 << 29 | dice.word() << 32
        bench.memory.setLE64(offset, first)
        bench.memory.setLE64(offset + 8, [inHost, data, context, dice.word()][dice.below(4)])
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func isSurvived(_ seed: UInt64) throws {
        var dice = Dice(generator: SeededGenerator(seed: seed))
        let bench = try Bench(
            SoftNICConfiguration(preset: seed % 2 == 0 ? .strict : .qemu, seed: seed).with {
                $0.receiveFIFODepth = 16
                $0.transmitDepth = 16
                if seed % 3 == 0 { $0.behaviour = .random(seed: seed) }
            })
        bench.link()
        bench.startQueue(0, type: 5)
        bench.openTransmit()
        bench.enableReceiver { $0[.unicastPromiscuous] = true }
        for _ in 0..<3000 {
            switch dice.below(8) {
            case 0: scribble(&dice, bench)
            case 1:
                let recipe = FrameRecipe {
                    $0.payload = dice.below(3000)
                    if dice.below(3) == 0 { $0.network = .ipv6 }
                }
                withView(recipe.bytes) { _ = bench.nic.receive($0) }
            case 2: _ = bench.bus.read32(offset(&dice))
            case 3:
                bench.now = bench.now + .microseconds(UInt64(dice.below(50)))
                for _ in 0..<4 where bench.nic.step(now: bench.now) {}
                while bench.nic.nextTransmitted() != nil { bench.nic.popTransmitted() }
            case 4 where dice.below(20) == 0: bench.nic.drainPayload()
            case 4 where dice.below(60) == 0: bench.link()
            case 4 where dice.below(8) == 0:
                bench.nic.write32(bar: 3, offset: UInt32(dice.below(0x900)) * 4, UInt32(dice.below(2)))
                bench.nic.writeConfig32(0x70, UInt32(dice.below(4)) << 30)
                _ = bench.nic.takeInterrupts()
            default: bench.bus.write32(offset(&dice), value(&dice, bench))
            }
        }
        #expect(bench.nic.flags.total != 0)
    }

    /// A ring that shrinks under its own tail must neither be read beyond its end nor walked for ever.
    @Test func aRingShrinksWhileItsTailIsPending() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.openTransmit()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        bench.bus.write(I82576.tdt(0), PlainValue(20))
        bench.bus.write(I82576.tdlen(0), PlainValue(128))
        bench.bus.write(I82576.rdlen(0), PlainValue(128))
        bench.send(FrameRecipe())
        #expect(bench.transmitted().isEmpty && !bench.completion(0, 0).isDone)
        bench.bus.write(I82576.tdt(0), PlainValue(5))
        bench.bus.write(I82576.tdh(0), PlainValue(30))
        bench.run()
        #expect(bench.transmitted().isEmpty)
    }
}
