import DeviceMemory
import PagePool
import TCPLite
import Testing
import Timeline

@testable import Simulation

/// Every rule about what an application sees, and about the stack's books, is broken once.
@Suite struct ApplicationRuleTests {
    private static func scenario() -> Scenario {
        var scenario = Scenario()
        scenario.flows = [FlowPlan()]
        return scenario
    }

    /// An end of the first connection after both ends did so much.
    private static func rule(
        _ reason: CloseReason?, read: Int = 10, sawEnd: Bool = true, otherWrote: Int = 10, otherShut: Bool = true,
        heardReset: Bool = false
    ) -> Rule? {
        let workspace = Workspace()
        var world = World(scenario(), workspace, isTraced: false, isLogged: false)
        world.stations[0]?.application.ends[0].written = otherWrote
        world.stations[0]?.application.ends[0].isShut = otherShut
        world.oracles[0].ends[1].heardReset = heardReset
        guard var end = world.stations[1]?.application.ends[0] else { return nil }
        end.read = read
        end.sawEnd = sawEnd
        end.isShut = true
        end.reason = reason
        do throws(Failure) { try world.checkEnding(0, 1, end) } catch { return error.rule }
        return nil
    }

    @Test("a stream that ends too early or goes on too long is found")
    func ends() {
        #expect(ApplicationRuleTests.rule(.finished) == nil)
        #expect(ApplicationRuleTests.rule(nil, read: 9) == .streamShort)
        #expect(ApplicationRuleTests.rule(nil, otherShut: false) == .streamShort)
        #expect(ApplicationRuleTests.rule(nil, read: 11, sawEnd: false) == .streamDiffers)
        #expect(ApplicationRuleTests.rule(.finished, sawEnd: false) == .streamShort)
    }

    @Test("an end that nothing explains is found")
    func reasons() {
        #expect(ApplicationRuleTests.rule(.aborted) == .unexplainedEnd)
        #expect(ApplicationRuleTests.rule(.reset) == .unexplainedEnd)
        #expect(ApplicationRuleTests.rule(.reset, heardReset: true) == .unexplainedEnd)
        #expect(ApplicationRuleTests.rule(.timedOut) == .unexplainedEnd)
    }

    @Test("bytes that are not the stream's, and sums that are not the bytes', are found")
    func bytes() {
        let pattern = Pattern()
        var application = Application(StationPlan(), number: 1, flows: [FlowPlan()], peerRelays: false)
        let good = application.check(0, pattern.bytes(0, 0, 100), nil, pattern)
        #expect(good == nil)
        let shifted = application.check(0, pattern.bytes(0, 101, 100), nil, pattern)
        #expect(shifted?.rule == .streamDiffers)
        let wrong = application.check(0, pattern.bytes(0, 100, 100), 0x1234, pattern)
        #expect(wrong?.rule == .sumDiffers)
        extendLifetime(pattern)
    }

    @Test("a connection that stands still is found; what faults and slow applications explain is not")
    func stall() {
        let start = Instant(nanoseconds: 1_000_000_000)
        func after(_ seconds: UInt64) -> Instant { start + .seconds(seconds) }
        let watch = StallWatch(start)
        #expect(!watch.isStalled(after(5), lastFault: .zero, roundTrip: .zero))
        #expect(watch.isStalled(after(6), lastFault: .zero, roundTrip: .zero))
        #expect(!watch.isStalled(after(6), lastFault: after(2), roundTrip: .zero))
        #expect(watch.isStalled(after(14), lastFault: after(2), roundTrip: .zero))
        var awake = StallWatch(start)
        awake.acted(after(4))
        #expect(!awake.isStalled(after(9), lastFault: .zero, roundTrip: .zero))
        var moving = StallWatch(start)
        moving.moved(0, after(2))
        moving.isQuiet(1, after(2))
        #expect(!moving.isStalled(after(15), lastFault: .zero, roundTrip: .zero))
        #expect(moving.isStalled(after(16), lastFault: .zero, roundTrip: .zero))
    }

    @Test("a world that never gets on is found")
    func spins() {
        var world = World(ApplicationRuleTests.scenario(), Workspace(), isTraced: false, isLogged: false)
        var rule: Rule?
        for _ in 0...10_000 {
            do throws(Failure) { try world.spinGuard(.zero) } catch { rule = error.rule }
        }
        #expect(rule == .spins)
    }

    @Test("books that do not balance, and anything that is left at the end, are found")
    func books() throws {
        let workspace = Workspace()
        func station() -> Station {
            Station(StationPlan(), number: 0, flows: [FlowPlan()], peerRelays: false, seed: 1, workspace)
        }
        func broken(_ check: () throws(Failure) -> Void) -> Rule? {
            do throws(Failure) { try check() } catch { return error.rule }
            return nil
        }
        let sound = station()
        #expect(broken(sound.checkBounds) == nil && broken(sound.checkEnd) == nil)
        let twice = station()
        twice.pools.pools[1].returned(0)
        #expect(broken(twice.checkBounds) == .memory)
        let lent = station()
        _ = lent.pools.pools[1].lend()
        #expect(broken(lent.checkEnd) == .leak)
        let open = station()
        _ = try open.stack.connect(to: Station.address(1), port: 1, localPort: nil, now: .zero)
        #expect(broken(open.checkEnd) == .leak)
    }
}
