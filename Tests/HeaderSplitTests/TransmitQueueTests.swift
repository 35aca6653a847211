import DeviceMemory
import HeaderSplit
import Rings
import Testing

/// A transmit queue of 8 descriptors over plain memory, and the device's side of it by hand.
private struct TransmitBench: ~Copyable {
    let memory = HeapBytes(count: 8 * 16 + 8 * 256)
    let bus = RecordingBus()
    var queue: TransmitQueue<AdvancedTransmitFormat, RecordingBus>

    init() throws {
        queue = try TransmitQueue(
            ring: HostBlock(bytes: memory.bytes.slice(0, 128), iova: IOVA(0)),
            buffers: HostBlock(bytes: memory.bytes.slice(128, 8 * 256), iova: IOVA(0x8_0000)), bufferSize: 256,
            doorbell: Doorbell(offset: 0xE018), bus: bus)
    }

    /// Queues a frame whose bytes are all `value`.
    mutating func send(_ value: UInt8, _ offload: TransmitOffload? = nil, count: Int = 60) -> Bool {
        let frame = HeapBytes(count: count)
        frame.bytes.fill(value)
        return queue.send(frame.bytes.readOnly, offload)
    }

    /// What a device does when it has sent the frame of descriptor `index`.
    func report(_ index: Int) {
        let status = memory.bytes.readOnly.le64(index * 16 + 8)
        memory.bytes.setLE64(index * 16 + 8, status | 1 << 32)
    }

    /// DTYP of descriptor `index`: 2 context, 3 data.
    func type(_ index: Int) -> UInt64 { memory.bytes.readOnly.le64(index * 16 + 8) >> 20 & 0xF }
    /// First byte of buffer `index`.
    func buffer(_ index: Int) -> UInt8 { memory.bytes[128 + index * 256] }
}

@Suite struct TransmitQueueTests {
    @Test("the tail moves once a burst, behind the last descriptor, and not when there is nothing new")
    func burst() throws {
        var bench = try TransmitBench()
        bench.queue.flush()
        #expect(bench.bus.writes.isEmpty)
        for value in 1...3 as ClosedRange<UInt8> {
            let sent = bench.send(value)
            #expect(sent && bench.bus.writes.isEmpty)
        }
        bench.queue.flush()
        bench.queue.flush()
        #expect(bench.bus.writes.count == 1 && bench.bus.writes[0] == (0xE018, UInt32(3)))
        #expect(bench.queue.statistics.frames == 3 && bench.queue.statistics.bytes == 180)
    }

    @Test("a buffer is written again only after its descriptor was reported done, whatever the order of reports")
    func reuse() throws {
        var bench = try TransmitBench()
        var sent = 0
        while bench.send(UInt8(sent + 1)) { sent += 1 }
        // Room for a context is kept, and one descriptor stays empty: head == tail is "nothing".
        #expect(sent == 6 && bench.queue.statistics.full == 1)
        bench.report(1)
        bench.queue.reclaim()
        #expect(bench.queue.inFlight == 6)
        let early = bench.send(0xEE)
        #expect(!early && (0..<6).allSatisfy { bench.buffer($0) == UInt8($0 + 1) })
        bench.report(0)
        bench.queue.reclaim()
        #expect(bench.queue.inFlight == 4)
        let again = bench.send(0x77)
        #expect(again && bench.buffer(6) == 0x77 && bench.queue.inFlight == 5)
    }

    @Test("a context goes before the first frame that needs it, and again when it changes; it is freed with its frame")
    func contexts() throws {
        var bench = try TransmitBench()
        let first = TransmitOffload(tcpChecksum: true, linkLength: 14, networkLength: 20, transportLength: 32)
        let other = TransmitOffload(tcpChecksum: true, linkLength: 14, networkLength: 20, transportLength: 20)
        let sent = [bench.send(1, first), bench.send(2, first), bench.send(3, other)]
        #expect(sent == [true, true, true] && bench.queue.statistics.contexts == 2)
        #expect((0..<5).map { bench.type($0) } == [2, 3, 3, 2, 3])
        bench.queue.flush()
        #expect(bench.bus.writes.last?.1 == 5)
        bench.queue.reclaim()
        #expect(bench.queue.inFlight == 5)
        bench.report(1)
        bench.queue.reclaim()
        #expect(bench.queue.inFlight == 3)
        bench.report(2)
        bench.report(4)
        bench.queue.reclaim()
        #expect(bench.queue.inFlight == 0)
    }

    @Test(
        "parts follow their frame by reference, are free with it, and their labels come back once, after the report (U.28)"
    )
    func parts() throws {
        var bench = try TransmitBench()
        let offload = TransmitOffload(
            tcpChecksum: true, linkLength: 14, networkLength: 20, transportLength: 20, segmentSize: 100)
        let header = HeapBytes(count: 54)
        let sent = bench.queue.send(header.bytes.readOnly, offload, parts: 2, partBytes: 300)
        bench.queue.append(PlacedPart(iova: IOVA(0x5000), length: 200, label: 7))
        bench.queue.append(PlacedPart(iova: IOVA(0x9000), length: 100, label: 8))
        bench.queue.flush()
        #expect(sent && bench.bus.writes.last?.1 == 4 && bench.queue.statistics.parts == 2)
        let bytes = bench.memory.bytes.readOnly
        #expect(bytes.le32(24) & 0xFFFF == 54 && bytes.le32(24) >> 24 & 1 == 0, "the frame's first bytes do not end it")
        #expect(bytes.le64(32) == 0x5000 && bytes.le32(40) & 0xFFFF == 200 && bytes.le32(40) >> 24 & 1 == 0)
        #expect(bytes.le64(48) == 0x9000 && bytes.le32(56) & 0xFFFF == 100 && bytes.le32(56) >> 24 & 1 == 1)
        // A report in the middle of a frame is none.
        bench.report(2)
        bench.queue.reclaim()
        let early = bench.queue.nextReleased()
        #expect(early == nil && bench.queue.inFlight == 4)
        bench.report(3)
        bench.queue.reclaim()
        // Free only when the labels are taken: seven descriptors, of which four wait.
        let crowded = bench.queue.send(header.bytes.readOnly, offload, parts: 2, partBytes: 2)
        let labels = [bench.queue.nextReleased(), bench.queue.nextReleased(), bench.queue.nextReleased()]
        #expect(!crowded && labels == [7, 8, nil] && bench.queue.inFlight == 0)
        let again = bench.queue.send(header.bytes.readOnly, offload, parts: 2, partBytes: 2)
        #expect(again)
    }

    @Test("8 descriptors carry a context, a beginning and five parts, and no more")
    func mostParts() throws {
        var bench = try TransmitBench()
        let offload = TransmitOffload(tcpChecksum: true, linkLength: 14, networkLength: 20, transportLength: 20)
        let header = HeapBytes(count: 54)
        let tooMany = bench.queue.send(header.bytes.readOnly, offload, parts: 6, partBytes: 6)
        let fits = bench.queue.send(header.bytes.readOnly, offload, parts: 5, partBytes: 5)
        for label in 1...5 as ClosedRange<UInt32> {
            bench.queue.append(PlacedPart(iova: IOVA(0x5000), length: 1, label: label))
        }
        #expect(!tooMany && fits && bench.queue.inFlight == 7)
    }

    @Test("taken back from a stopped device, every label comes back once (U.29)")
    func giveUp() throws {
        var bench = try TransmitBench()
        let header = HeapBytes(count: 54)
        let sent = bench.queue.send(header.bytes.readOnly, nil, parts: 1, partBytes: 10)
        bench.queue.append(PlacedPart(iova: IOVA(0x5000), length: 10, label: 3))
        bench.queue.giveUp()
        let labels = [bench.queue.nextReleased(), bench.queue.nextReleased()]
        #expect(sent && labels == [3, nil] && bench.queue.inFlight == 0)
        bench.queue.rearm()
        let after = bench.queue.nextReleased()
        #expect(after == nil)
    }

    @Test("empty frames, and frames longer than a buffer, are refused")
    func refusals() throws {
        var bench = try TransmitBench()
        let sent = [bench.send(1, count: 257), bench.send(1, count: 256)]
        #expect(sent == [false, true] && bench.queue.inFlight == 1)
        let memory = HeapBytes(count: 128)
        #expect(throws: HeaderSplitError.transmitSlab(bytes: 64, needed: 8 * 256)) {
            _ = try TransmitQueue<AdvancedTransmitFormat, RecordingBus>(
                ring: HostBlock(bytes: memory.bytes, iova: IOVA(0)),
                buffers: HostBlock(bytes: memory.bytes.slice(0, 64), iova: IOVA(0)), bufferSize: 256,
                doorbell: Doorbell(offset: 0), bus: RecordingBus())
        }
    }
}

@Suite struct TransmitRestartTests {
    @Test("armed again, a transmit queue starts at the first descriptor and sends its context anew")
    func rearm() throws {
        var bench = try TransmitBench()
        let offload = TransmitOffload(tcpChecksum: true, linkLength: 14, networkLength: 20, transportLength: 20)
        for value in 1...3 as ClosedRange<UInt8> {
            let sent = bench.send(value, offload)
            #expect(sent)
        }
        bench.queue.flush()
        bench.queue.rearm()
        let none = bench.queue.inFlight
        #expect(none == 0)
        let sent = bench.send(9, offload)
        bench.queue.flush()
        #expect(sent && bench.type(0) == 2 && bench.type(1) == 3 && bench.buffer(1) == 9)
        #expect(bench.bus.writes.last.map { $0 == (0xE018, 2) } == true)
        bench.queue.reclaim()
        let waiting = bench.queue.inFlight
        bench.report(1)
        bench.queue.reclaim()
        let done = bench.queue.inFlight
        #expect(waiting == 2 && done == 0, "a report of before the reset is not taken for one of after it")
    }
}
