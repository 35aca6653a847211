import Logging
import Sessions
import Testing
import VFIODriver

/// Two ports test each other: in both directions, whatever their families.
@Suite struct PeerSelfTestTests {
    private func run(_ first: DeviceName, _ second: DeviceName, mtu: Int = 1500) throws -> PeerTestResult {
        var options = DeviceOptions()
        options.name = first
        options.queues = 4
        options.mtu = mtu
        options.slotSize = mtu > 4000 ? 16384 : 4096
        return try SelfTestSession.run(options, peer: second, fitsQueues: true, log: Logger(label: "test"))
    }

    @Test(arguments: [NICFamily.igb, .e1000e], [NICFamily.igb, .e1000e])
    func modelsTestEachOther(_ first: NICFamily, _ second: NICFamily) throws {
        let result = try run(.softnic(first), .softnic(second))
        #expect(result.directions.flatMap { $0.checks.filter { !$0.ok } } == [])
        #expect(result.directions.allSatisfy { $0.ok && $0.frames > 250 && $0.checks.count > 50 } && result.ok)
        #expect(result.directions.map { $0.device } == ["softnic:\(second.rawValue)", "softnic:\(first.rawValue)"])
        #expect(result.directions.map { $0.sender } == ["softnic:\(first.rawValue)", "softnic:\(second.rawValue)"])
    }

    @Test func largeFramesPassTheCable() throws {
        let result = try run(.softnic(.igb), .softnic(.e1000e), mtu: 9000)
        #expect(result.directions.flatMap { $0.checks.filter { !$0.ok } } == [])
    }

    /// A model and a function have no cable in common, and a function is not at both ends of one.
    @Test func portsWithoutACableAreRefused() {
        #expect(throws: SessionError.self) { _ = try run(.softnic(.igb), .pci("0000:01:00.0")) }
        #expect(throws: SessionError.self) { _ = try run(.pci("0000:01:00.0"), .pci("0000:01:00.0")) }
    }
}
