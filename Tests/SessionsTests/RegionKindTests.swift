import Logging
import Testing

@testable import Sessions

/// What an application sees does not depend on what its region is made of, nor on what happens to queues and regions meanwhile.
@Suite struct RegionKindTests {
    private func run(_ change: (inout LoopbackOptions) -> Void) throws -> LoopbackResult {
        var options = LoopbackOptions()
        options.bytes = 2 << 20
        options.device.regionBytes = 8 << 20
        options.messageMinimum = 1
        options.messageMaximum = 3000
        options.impairments.loss = 0.01
        change(&options)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let result = try Session.loopback(options, log: log, progress: { _ in })
        #expect(result.transfer.problems == [] && result.transfer.ok && result.transfer.leakedSlots == 0)
        #expect(result.digestExpected == result.digestReceived && result.transfer.bytes == options.bytes)
        return result
    }

    @Test("host memory as a region gives what device memory gives, to the byte and to the record (S0.20, S2.31, S2.32)")
    func hostMemory() throws {
        let device = try run { _ in }
        let host = try run { $0.device.regionIsHost = true }
        #expect(device.digestReceived == host.digestReceived)
        #expect(device.transfer.deviceBytes == host.transfer.deviceBytes && host.transfer.deviceBytes > 1 << 20)
        #expect(device.transfer.linearBytes == host.transfer.linearBytes && host.transfer.linearBytes > 0)
        #expect(device.transfer.payloadSumsChecked == host.transfer.payloadSumsChecked)
    }

    @Test(
        "a uniform binding puts what was not split into the region as well: no linear bytes are left (U.03, Z.06, A.05, C.25)"
    )
    func uniform() throws {
        let result = try run { $0.uniform = true }
        #expect(result.transfer.linearBytes == 0 && result.transfer.movedBytes > 0)
        #expect(result.transfer.movedBytes + result.transfer.deviceBytes == 2 << 20)
    }

    @Test(
        "queues restart and regions change under a transfer that loses no byte and no connection (S2.23, S3.07, S3.08)",
        arguments: [(20, 0), (0, 5), (20, 5)])
    func changes(_ restarts: Int, _ changes: Int) throws {
        let result = try run {
            // A region is changed for one that nobody holds slots of any more: the run must be long enough for that.
            $0.bytes = 4 << 20
            $0.restarts = restarts
            $0.regionChanges = changes
        }
        #expect(result.queueRestarts ?? 0 >= restarts && result.regionChanges ?? 0 == changes)
    }
}
