import Logging
import Testing
import VFIODriver

@testable import Sessions

private let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

private func run(_ change: (inout LoopbackOptions) -> Void) throws -> LoopbackResult {
    var options = LoopbackOptions()
    options.bytes = 2 << 20
    options.device.regionBytes = 8 << 20
    change(&options)
    return try Session.loopback(options, log: log, progress: { _ in })
}

/// Everything that must hold of a transfer, whatever the wire did.
private func check(_ result: LoopbackResult, _ bytes: UInt64, at location: SourceLocation = #_sourceLocation) {
    #expect(result.transfer.problems == [], sourceLocation: location)
    #expect(result.transfer.ok, sourceLocation: location)
    #expect(
        result.digestExpected == result.digestReceived && result.digestExpected.count == 64, sourceLocation: location)
    #expect(result.transfer.bytes == bytes, sourceLocation: location)
    #expect(
        result.transfer.deviceBytes + result.transfer.linearBytes + result.transfer.movedBytes == bytes,
        sourceLocation: location)
    #expect(result.transfer.leakedSlots == 0, sourceLocation: location)
    #expect(result.transfer.payloadSumsChecked > 0, sourceLocation: location)
}

@Suite struct LoopbackTests {
    @Test(
        "a clean transfer: digests equal, payload of split frames in the region, books balanced",
        arguments: DevicePreset.allCases)
    func clean(_ preset: DevicePreset) throws {
        let result = try run { $0.device.preset = preset }
        check(result, 2 << 20)
        // All but the last segment of a flow is longer than the header buffer, so it is split into the region.
        #expect(result.transfer.deviceBytes > (2 << 20) - 4 * 1500)
        #expect(result.transfer.split >= (2 << 20) / 1460)
    }

    @Test(
        "TCP over IPv6 is split, verified and spread like IPv4, by every family, over lossy wires too",
        arguments: ["softnic:igb", "softnic:e1000e", "softnic:ixgbe"], DevicePreset.allCases)
    func overIPv6(_ device: String, _ preset: DevicePreset) throws {
        let name = try DeviceName(parsing: device)
        for loss in [0, 0.01] {
            let result = try run {
                $0.bytes = 1 << 20
                $0.isIPv6 = true
                $0.device.name = name
                $0.device.queues = name.defaultQueues
                $0.device.preset = preset
                $0.impairments.loss = loss
                $0.impairments.corrupt = loss
            }
            check(result, 1 << 20)
            // All but the ends of flows are split into the region.
            #expect(result.transfer.deviceBytes > (1 << 20) * 9 / 10 && result.transfer.split >= (1 << 20) / 1440)
        }
    }

    @Test(
        "the 82574 carries the same transfers: its only split queue, padding as payload, damage on the wire",
        arguments: DevicePreset.allCases)
    func otherFamily(_ preset: DevicePreset) throws {
        let name = try DeviceName(parsing: "softnic:e1000e")
        for loss in [0, 0.01] {
            let result = try run {
                $0.bytes = 1 << 20
                $0.device.name = name
                $0.device.queues = name.defaultQueues
                $0.device.preset = preset
                $0.messageMinimum = 1
                $0.messageMaximum = 20_000
                $0.impairments.loss = loss
                $0.impairments.corrupt = loss
            }
            check(result, 1 << 20)
            // Every payload goes to the region: this part keeps nothing in the header buffer that it can split.
            #expect(result.transfer.deviceBytes == 1 << 20)
        }
    }

    @Test(
        "the 82599 carries the same transfers over as many queues as it has", arguments: DevicePreset.allCases, [1, 15])
    func tenGigabit(_ preset: DevicePreset, _ queues: Int) throws {
        let result = try run {
            $0.bytes = 1 << 20
            $0.flows = 16
            $0.device.name = .softnic(.ixgbe)
            $0.device.queues = queues
            $0.device.regionBytes = 64 << 20
            $0.device.preset = preset
            $0.messageMinimum = 1
            $0.messageMaximum = 20_000
            $0.impairments.loss = 0.01
            $0.impairments.corrupt = 0.01
        }
        check(result, 1 << 20)
        #expect(result.transfer.deviceBytes > 1 << 19 && result.transfer.linearBytes > 0)
    }

    @Test("message sizes on both sides of the header buffer's threshold, one byte to some segments (S4.02)")
    func messages() throws {
        for (low, high) in [(1, 1), (130, 150), (1, 400), (1, 64 << 10)] as [(UInt64, UInt64)] {
            let bytes: UInt64 = low == high ? 2000 : 200_000
            let result = try run {
                $0.bytes = bytes
                $0.messageMinimum = low
                $0.messageMaximum = high
            }
            check(result, bytes)
            if high <= 138 { #expect(result.transfer.linearBytes == bytes) }
            if low == 130 { #expect(result.transfer.linearBytes > 0 && result.transfer.deviceBytes > 0) }
        }
    }

    @Test("loss, reordering, duplication and corruption cost nothing but time (U.35, S3.24)", arguments: 1...12)
    func impaired(_ seed: Int) throws {
        let result = try run {
            $0.bytes = 400_000
            $0.device.seed = UInt64(seed)
            $0.impairments.loss = 0.01
            $0.impairments.reorder = 0.02
            $0.impairments.reorderDepth = 8
            $0.impairments.duplicate = 0.01
            $0.impairments.corrupt = 0.001
            $0.messageMinimum = 1
            $0.messageMaximum = 1 << 20
        }
        check(result, 400_000)
    }

    @Test("harder wires: a tenth lost, truncation, jitter", arguments: 1...4)
    func hard(_ seed: Int) throws {
        let result = try run {
            $0.bytes = 100_000
            $0.device.seed = UInt64(seed)
            $0.impairments.loss = 0.1
            $0.impairments.truncate = 0.02
            $0.impairments.jitterMicroseconds = 500
        }
        check(result, 100_000)
    }

    @Test("a NIC that vouches for damaged frames is found out by the sum of their payload (payload_sum)")
    func vouching() throws {
        let result = try run {
            $0.bytes = 4 << 20
            $0.impairments.corrupt = 0.01
            $0.impairments.lie = 0.2
        }
        #expect(!result.transfer.ok && result.digestExpected != result.digestReceived)
        #expect(result.transfer.payloadSumErrors > 0)
    }

    @Test("a NIC that calls good frames bad or unchecked costs time and no byte")
    func lies() throws {
        let result = try run {
            $0.bytes = 400_000
            $0.impairments.lie = 0.01
        }
        // Good frames called bad or unchecked are retransmitted: a lie alone never changes a byte.
        check(result, 400_000)
    }

    @Test("the same seed gives the same trace, another seed another (G.06)")
    func replay() throws {
        func hash(_ seed: UInt64) throws -> String? {
            try run {
                $0.bytes = 200_000
                $0.device.seed = seed
                $0.impairments.loss = 0.02
                $0.impairments.reorder = 0.02
                $0.impairments.reorderDepth = 4
            }.traceHash
        }
        let first = try hash(7)
        #expect(first?.count == 64)
        #expect(try hash(7) == first)
        #expect(try hash(8) != first)
    }

    @Test("tokens held back shrink the window and lose nothing (U.12, G.04)", arguments: [1, 64, 500])
    func held(_ hold: Int) throws {
        let result = try run {
            $0.hold = hold
            $0.device.regionBytes = 8 << 20
        }
        check(result, 2 << 20)
        #expect(result.transfer.noReplacement == 0)
    }

    @Test("the same transfer with slots of 2, 16 and 64 KiB, and MTU 9000 (U.33)")
    func slotSizes() throws {
        for (slot, mtu) in [(2048, 1500), (16 << 10, 9000), (64 << 10, 1500)] {
            let result = try run {
                $0.device.slotSize = slot
                $0.device.mtu = mtu
                $0.device.regionBytes = 4096 * slot
                $0.device.descriptors = 256
            }
            check(result, 2 << 20)
        }
    }

    @Test("one flow, one queue; sixty flows, four queues")
    func shapes() throws {
        check(
            try run {
                $0.flows = 1; $0.device.queues = 1
            }, 2 << 20)
        check(
            try run {
                $0.flows = 60; $0.device.queues = 4; $0.device.descriptors = 128
            }, 2 << 20)
    }

    @Test("the device in a thread of its own gives the same bytes")
    func twoThreads() throws {
        let result = try run { $0.placement = .twoThreads }
        check(result, 2 << 20)
        #expect(result.traceHash == nil)
    }

    @Test("a region that the rings alone would fill is refused in a sentence")
    func tooSmall() throws {
        #expect(throws: SessionError.self) { try run { $0.device.regionBytes = 1 << 20 } }
    }
}
