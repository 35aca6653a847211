import CClient
import DeviceMemory
import Rings
import Testing

@testable import ClientKit

/// What two languages agree on: each constant and field of the C header against the Swift module.
@Suite struct LayoutTests {
    @Test("magic, version, and the places of the channel's words are those of the C header (C.22)")
    func places() {
        #expect(
            ApplicationChannel.magic == 0x4843_7672_646F_6975 && UIODRV_CHANNEL_VERSION == ApplicationChannel.version)
        #expect(Int(UIODRV_AT_LINEAR_CONSUMED) == ApplicationChannel.Place.linearConsumed)
        #expect(Int(UIODRV_AT_SEND_CONSUMED) == ApplicationChannel.Place.sendConsumed)
        #expect(Int(UIODRV_AT_ENGINE_NEEDED) == ApplicationChannel.Place.engineGate)
        #expect(Int(UIODRV_AT_ENGINE_PUBLISHED) == ApplicationChannel.Place.engineGate + 64)
        #expect(Int(UIODRV_AT_CLIENT_NEEDED) == ApplicationChannel.Place.clientGate)
        #expect(Int(UIODRV_AT_CLIENT_PUBLISHED) == ApplicationChannel.Place.clientGate + 64)
        #expect(Int(UIODRV_AT_CONSUMED_THROUGH) == ApplicationChannel.Place.consumedThrough)
        #expect(Int(UIODRV_AT_COUNTERS) == ApplicationChannel.Place.counters)
        #expect(Int(UIODRV_AT_RINGS) == ApplicationChannel.Place.rings)
        #expect(UIODRV_MESSAGE_BYTES == UInt32(ControlMessage.bytes))
    }

    @Test("each word of a channel is where its place says, and nowhere else")
    func words() {
        let memory = HeapBytes(count: ApplicationChannel.bytes)
        let channel = ApplicationChannel(memory.bytes)
        channel.linearConsumed.storeReleasing(0x1111)
        channel.sendConsumed.storeReleasing(0x2222)
        channel.consumedThrough.storeReleasing(0x3333)
        channel.engineGate.arm()
        channel.clientGate.arm()
        for _ in 0..<7 { _ = channel.engineGate.publish() }
        for _ in 0..<9 { _ = channel.clientGate.publish() }
        let bytes = memory.bytes.readOnly
        #expect(bytes.le64(Int(UIODRV_AT_LINEAR_CONSUMED)) == 0x1111)
        #expect(bytes.le64(Int(UIODRV_AT_SEND_CONSUMED)) == 0x2222)
        #expect(bytes.le64(Int(UIODRV_AT_CONSUMED_THROUGH)) == 0x3333)
        #expect(bytes.le32(Int(UIODRV_AT_ENGINE_NEEDED)) == 1 && bytes.le32(Int(UIODRV_AT_CLIENT_NEEDED)) == 1)
        #expect(bytes.le32(Int(UIODRV_AT_ENGINE_PUBLISHED)) == 7 && bytes.le32(Int(UIODRV_AT_CLIENT_PUBLISHED)) == 9)
        extendLifetime(memory)
    }

    @Test("the description of a channel, read as the C structure, names the rings that the Swift side uses")
    func description() {
        var shape = ChannelShape()
        (shape.recordCapacity, shape.returnCapacity, shape.returnLanes) = (1 << 5, 1 << 6, 3)
        (shape.commandCapacity, shape.linearBytes, shape.sendBytes) = (1 << 4, 1 << 10, 1 << 8)
        let memory = HeapBytes(count: ApplicationChannel.bytes(of: shape))
        let channel = ApplicationChannel(memory.bytes, shape: shape)
        channel.describe()
        let bytes = memory.bytes.readOnly
        #expect(bytes.le64(0) == ApplicationChannel.magic && bytes.le32(8) == UIODRV_CHANNEL_VERSION)
        let said = unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: 12, as: uiodrv_shape.self) }
        #expect(Int(said.bytes) == ApplicationChannel.bytes(of: shape))
        #expect(said.record_capacity == 1 << 5 && said.return_capacity == 1 << 6 && said.return_lanes == 3)
        #expect(said.command_capacity == 1 << 4 && said.linear_bytes == 1 << 10 && said.send_bytes == 1 << 8)
        // Each ring is marked through the Swift side and found at the place that the C side reads.
        channel.recordRing.setLE32(0, 0xA1)
        for lane in 0..<3 { channel.returnRing(lane: lane).setLE32(0, UInt32(0xB1 + lane)) }
        channel.commandRing.setLE32(0, 0xC1)
        channel.linearRing.setLE32(0, 0xD1)
        channel.sendRing.setLE32(0, 0xE1)
        #expect(bytes.le32(Int(said.records)) == 0xA1 && bytes.le32(Int(said.commands)) == 0xC1)
        for lane in 0..<3 {
            #expect(bytes.le32(Int(said.returns) + lane * Int(said.return_stride)) == UInt32(0xB1 + lane))
        }
        #expect(bytes.le32(Int(said.linear)) == 0xD1 && bytes.le32(Int(said.sends)) == 0xE1)
        extendLifetime(memory)
    }

    private func view<From, To>(_ value: From, as _: To.Type) -> To {
        unsafe withUnsafeBytes(of: value) { unsafe $0.loadUnaligned(as: To.self) }
    }

    @Test("a record written in Swift has the same fields in C (U.05)")
    func record() {
        var record = FragmentRecord(
            .device, connection: 0x0102_0304, token: 0x1112_1314_1516_1718, offset: 0x2122_2324_2526_2728,
            length: 0x3132_3334, payloadSum: 0x4142, region: 0x5152)
        record.headerLength = 0x6162
        record.flags = 0x71
        let said = view(record, as: uiodrv_record.self)
        #expect(MemoryLayout<uiodrv_record>.size == MemoryLayout<FragmentRecord>.size)
        #expect(said.token == record.token && said.offset == record.offset && said.length == record.length)
        #expect(said.connection == record.connection && said.payload_sum == 0x4142 && said.region == 0x5152)
        #expect(said.kind == 2 && said.flags == 0x71 && said.header_length == 0x6162)
    }

    @Test("ranges, commands and messages written in Swift have the same fields in C")
    func others() {
        let range = view(TokenRange(start: 0x0102_0304_0506_0708, count: 0x1112_1314), as: uiodrv_range.self)
        #expect(MemoryLayout<uiodrv_range>.size == MemoryLayout<TokenRange>.size)
        #expect(range.start == 0x0102_0304_0506_0708 && range.count == 0x1112_1314 && range.reserved == 0)
        let command = view(
            ApplicationCommand(
                .discard, connection: 0x2122_2324, length: 0x3132_3334, region: 0x5152, offset: 0x6162_6364_6566_6768),
            as: uiodrv_command.self)
        #expect(command.region == 0x5152 && command.reserved == 0 && command.offset == 0x6162_6364_6566_6768)
        #expect(MemoryLayout<uiodrv_command>.size == MemoryLayout<ApplicationCommand>.size)
        #expect(command.kind == 5 && command.connection == 0x2122_2324 && command.length == 0x3132_3334)
        var message = ControlMessage(.rehome, reference: 0x4142_4344, status: .noRule)
        message.operands = (1, 2, 3, 4, 5, 6, 7)
        let said = view(message, as: uiodrv_message.self)
        #expect(MemoryLayout<uiodrv_message>.size == MemoryLayout<ControlMessage>.size)
        #expect(said.operation == 8 && said.status == ControlStatus.noRule.rawValue && said.reference == 0x4142_4344)
        let operands = said.operands
        #expect(operands.0 == 1 && operands.1 == 2 && operands.2 == 3 && operands.3 == 4)
        #expect(operands.4 == 5 && operands.5 == 6 && operands.6 == 7)
    }

    @Test("kinds, events, commands and operations have the same numbers in both languages")
    func numbers() {
        let kinds: [(RecordKind, uiodrv_kind)] = [
            (.linear, UIODRV_LINEAR), (.device, UIODRV_DEVICE), (.opened, UIODRV_OPENED),
            (.endOfStream, UIODRV_END_OF_STREAM), (.closed, UIODRV_CLOSED), (.untrusted, UIODRV_UNTRUSTED),
            (.frame, UIODRV_FRAME), (.place, UIODRV_PLACE), (.event, UIODRV_EVENT),
            (.sent, UIODRV_SENT),
        ]
        for (swift, c) in kinds { #expect(UInt32(swift.rawValue) == c.rawValue) }
        #expect(RecordKind(rawValue: UInt8(kinds.count + 1)) == nil && RecordKind(rawValue: 0) == nil)
        let events: [(ChannelEvent, uiodrv_event)] = [
            (.exhausted, UIODRV_EXHAUSTED), (.exhaustionAhead, UIODRV_EXHAUSTION_AHEAD),
            (.landedElsewhere, UIODRV_LANDED_ELSEWHERE), (.stalled, UIODRV_STALLED),
            (.deviceReset, UIODRV_DEVICE_RESET), (.deviceGone, UIODRV_DEVICE_GONE), (.unbound, UIODRV_UNBOUND),
            (.rehomed, UIODRV_REHOMED), (.tooManyTokens, UIODRV_TOO_MANY_TOKENS),
            (.sendArea, UIODRV_SEND_AREA),
        ]
        for (swift, c) in events { #expect(UInt32(swift.rawValue) == c.rawValue) }
        #expect(events.count == ChannelEvent.allCases.count)
        let commands: [(CommandKind, uiodrv_command_kind)] = [
            (.send, UIODRV_SEND), (.shutdown, UIODRV_SHUTDOWN), (.abort, UIODRV_ABORT), (.demand, UIODRV_DEMAND),
            (.discard, UIODRV_DISCARD), (.leave, UIODRV_LEAVE), (.rearm, UIODRV_REARM),
            (.sendRegion, UIODRV_SEND_REGION),
        ]
        for (swift, c) in commands { #expect(swift.rawValue == c.rawValue) }
        #expect(CommandKind(rawValue: UInt32(commands.count + 1)) == nil)
        let operations: [(ControlOperation, uiodrv_operation)] = [
            (.hello, UIODRV_OP_HELLO), (.attach, UIODRV_OP_ATTACH), (.listen, UIODRV_OP_LISTEN),
            (.unlisten, UIODRV_OP_UNLISTEN), (.connect, UIODRV_OP_CONNECT), (.giveBack, UIODRV_OP_GIVE_BACK),
            (.status, UIODRV_OP_STATUS), (.rehome, UIODRV_OP_REHOME), (.detach, UIODRV_OP_DETACH),
            (.bind, UIODRV_OP_BIND), (.channel, UIODRV_OP_CHANNEL), (.line, UIODRV_OP_LINE),
            (.region, UIODRV_OP_REGION), (.regionGone, UIODRV_OP_REGION_GONE), (.goodbye, UIODRV_OP_GOODBYE),
        ]
        for (swift, c) in operations { #expect(UInt32(swift.rawValue) == c.rawValue) }
        #expect(operations.count == ControlOperation.allCases.count)
        #expect(UInt8(UIODRV_ACKNOWLEDGED) == FragmentRecord.acknowledgedFlag)
        #expect(UIODRV_HAS_SUM == 1 && UInt8(UIODRV_MOVED) == FragmentRecord.movedFlag)
    }

    @Test("the C library has a sentence of its own for each status, and none for a number beyond")
    func sentences() {
        func sentence(_ result: Int32) -> String { unsafe String(cString: uiodrv_explain(result)) }
        let all = ControlStatus.allCases.map { sentence(Int32($0.rawValue)) }
        let unknown = sentence(Int32(ControlStatus.allCases.count))
        #expect(Set(all).count == all.count && !all.contains(unknown) && unknown.contains("unknown"))
        // Same meaning by the same words where both have a sentence: the C one is the first half of the Swift one.
        let alike = ControlStatus.allCases.count { status in
            let swift = status.description
            let c = sentence(Int32(status.rawValue))
            return swift.contains(c)
                || Set(swift.split(separator: " ")).intersection(c.split(separator: " ")).count >= 3
                || status == .done
        }
        #expect(alike == ControlStatus.allCases.count)
        #expect(sentence(-2).contains("No such file"))
    }
}
