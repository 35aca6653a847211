import NICRegisters
import SoftNIC
import Testing
import Timeline

/// G.06: the same seed and the same calls give the same trace.
@Suite struct DeterminismTests {
    private func run(seed: UInt64, behaviour: Behaviour? = nil) throws -> String {
        let recorder = try TraceRecorder()
        var configuration = SoftNICConfiguration(preset: .strict, seed: seed)
        if let behaviour { configuration.behaviour = behaviour }
        let bench = try Bench(configuration, trace: recorder.trace)
        bench.link()
        bench.startQueue(0, type: 5)
        bench.enableReceiver()
        for i in 0..<12 {
            withView(FrameRecipe { $0.payload = 100 * i }.bytes) { _ = bench.nic.receive($0) }
            bench.run()
            let next = bench.nic.nextDeadline
            if next != .never { bench.run(next - bench.now) }
        }
        _ = (bench.bus.read(I82576.gprc), bench.bus.read(I82576.mta(3)))
        #expect(recorder.count > 50)
        return recorder.hash()
    }

    @Test func sameSeedSameTrace() throws {
        #expect(try run(seed: 5) == run(seed: 5))
        #expect(try run(seed: 5) != run(seed: 6))
    }

    @Test func randomBehaviourComesFromItsSeed() throws {
        #expect(Behaviour.random(seed: 3) == Behaviour.random(seed: 3))
        #expect((0..<20).contains { Behaviour.random(seed: $0) != Behaviour.random(seed: 99) })
        for seed in 0..<20 as Range<UInt64> {
            let behaviour = Behaviour.random(seed: seed)
            #expect(try run(seed: seed, behaviour: behaviour) == run(seed: seed, behaviour: behaviour))
        }
    }

    /// Pinned, so that debug and release builds, and machines, are held to one another.
    @Test func traceIsTheSameInEveryBuild() throws {
        let hash = try run(seed: 1)
        #expect(hash == "f165fbc0e3ff425fdb9dd57e1c5d402edb2e2a6f95d82760627ce8a13107b316")
    }
}
