import Packets
import Testing
import Timeline

@testable import Wire

/// A pcap file byte by byte (draft-ietf-opsawg-pcap, sections 4 and 5), so that libpcap does not check itself.
private struct CaptureFile {
    var bytes: [UInt8] = []

    init(linkType: UInt32 = 1, nanoseconds: Bool = true) {
        append32(nanoseconds ? 0xA1B2_3C4D : 0xA1B2_C3D4)
        append32(0x0004_0002)
        append32(0)
        append32(0)
        append32(65535)
        append32(linkType)
    }

    mutating func append32(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    mutating func add(_ seconds: UInt32, _ fraction: UInt32, _ frame: [UInt8], originalLength: Int? = nil) {
        append32(seconds)
        append32(fraction)
        append32(UInt32(frame.count))
        append32(UInt32(originalLength ?? frame.count))
        bytes += frame
    }
}

@Suite struct PcapReplayTests {
    private func replay(_ file: CaptureFile, _ scratch: ScratchDirectory) throws -> PcapReplay {
        try scratch.write("in.pcap", file.bytes)
        return try PcapReplay(path: scratch.file("in.pcap"))
    }

    @Test func framesComeAtTheirOffsets() throws {
        let scratch = try ScratchDirectory()
        var file = CaptureFile()
        file.add(1_700_000_000, 999_999_999, frame(0))
        file.add(1_700_000_001, 0, frame(1))
        file.add(1_700_000_003, 500, frame(2))
        var wire = try replay(file, scratch)
        var queue = FrameQueue(depth: 8, frameCapacity: 256)
        let start = Instant(nanoseconds: 5_000)
        #expect(wire.nextDeadline == .zero)
        #expect(try wire.receive(into: &queue, now: start, limit: 8) == 1)
        #expect(wire.nextDeadline == start + .nanoseconds(1))
        #expect(try wire.receive(into: &queue, now: start + .nanoseconds(1), limit: 8) == 1)
        #expect(wire.nextDeadline == start + .nanoseconds(2_000_000_501))
        #expect(try wire.receive(into: &queue, now: start + .nanoseconds(2_000_000_500), limit: 8) == 0)
        #expect(wire.isFinished == false)
        #expect(try wire.receive(into: &queue, now: start + .seconds(9), limit: 8) == 1)
        #expect(drain(&queue) == [frame(0), frame(1), frame(2)])
        #expect(wire.isFinished == true)
        #expect(wire.problem == nil)
        #expect(wire.nextDeadline == .never)
    }

    @Test func microsecondFilesKeepTheirScale() throws {
        let scratch = try ScratchDirectory()
        var file = CaptureFile(nanoseconds: false)
        file.add(10, 0, frame(0))
        file.add(10, 7, frame(1))
        var wire = try replay(file, scratch)
        var queue = FrameQueue(depth: 8, frameCapacity: 256)
        _ = try wire.receive(into: &queue, now: .zero, limit: 8)
        #expect(wire.nextDeadline == .zero + .microseconds(7))
    }

    /// Frames that the capture cut are declared and skipped, not sent short.
    @Test func framesCutBySnaplenAreSkipped() throws {
        let scratch = try ScratchDirectory()
        var file = CaptureFile()
        file.add(1, 0, frame(0))
        file.add(1, 1, frame(1), originalLength: 1500)
        file.add(1, 2, frame(2))
        var wire = try replay(file, scratch)
        var queue = FrameQueue(depth: 8, frameCapacity: 256)
        #expect(try wire.receive(into: &queue, now: .zero, limit: 8) == 1)
        #expect(try wire.receive(into: &queue, now: .zero + .seconds(1), limit: 8) == 1)
        #expect(drainNumbers(&queue) == [0, 2])
        #expect(wire.truncatedFrames == 1)
    }

    /// A file cut in mid-frame plays up to the cut and says that it was cut.
    @Test(arguments: [1, 10, 16, 63, 64, 79]) func aTruncatedFilePlaysUpToTheCut(missing: Int) throws {
        let scratch = try ScratchDirectory()
        var file = CaptureFile()
        file.add(1, 0, frame(0))
        file.add(1, 1, frame(1))
        file.bytes.removeLast(missing)
        var wire = try replay(file, scratch)
        var queue = FrameQueue(depth: 8, frameCapacity: 256)
        _ = try wire.receive(into: &queue, now: .zero, limit: 8)
        _ = try wire.receive(into: &queue, now: .zero + .seconds(1), limit: 8)
        #expect(drainNumbers(&queue) == [0])
        #expect(wire.isFinished == true)
        #expect(wire.problem?.contains("truncated") == true)
    }

    @Test func stampsThatRunBackwardsKeepTheOrder() throws {
        let scratch = try ScratchDirectory()
        var file = CaptureFile()
        file.add(10, 0, frame(0))
        file.add(12, 0, frame(1))
        file.add(0, 0, frame(2))
        // Negative seconds and an absurd fraction, as libpcap reads them.
        file.add(UInt32.max, UInt32.max, frame(3))
        file.add(UInt32(Int32.max), 0, frame(4))
        var wire = try replay(file, scratch)
        var queue = FrameQueue(depth: 8, frameCapacity: 256)
        _ = try wire.receive(into: &queue, now: .zero, limit: 8)
        #expect(drainNumbers(&queue) == [0])
        #expect(try wire.receive(into: &queue, now: .zero + .seconds(2), limit: 8) == 3)
        #expect(drainNumbers(&queue) == [1, 2, 3])
        #expect(try wire.receive(into: &queue, now: Instant(nanoseconds: .max), limit: 8) == 1)
    }

    @Test func framesTooLongForTheQueueAreCounted() throws {
        let scratch = try ScratchDirectory()
        var file = CaptureFile()
        file.add(1, 0, frame(0, length: 300))
        file.add(1, 0, frame(1))
        var wire = try replay(file, scratch)
        var queue = FrameQueue(depth: 8, frameCapacity: 256)
        #expect(try wire.receive(into: &queue, now: .zero, limit: 8) == 1)
        #expect(wire.statistics.oversizedFrames == 1)
    }

    @Test func limitAndRoomAreRespected() throws {
        let scratch = try ScratchDirectory()
        var file = CaptureFile()
        for n in 0..<10 { file.add(1, 0, frame(n)) }
        var wire = try replay(file, scratch)
        var queue = FrameQueue(depth: 4, frameCapacity: 256)
        #expect(try wire.receive(into: &queue, now: .zero, limit: 3) == 3)
        #expect(try wire.receive(into: &queue, now: .zero, limit: 30) == 1)
        #expect(drainNumbers(&queue) == [0, 1, 2, 3])
        #expect(try wire.receive(into: &queue, now: .zero, limit: 30) == 4)
    }

    @Test func whatIsNoCaptureIsRefused() throws {
        let scratch = try ScratchDirectory()
        try scratch.write("text", [UInt8]("this is not a capture file at all".utf8))
        #expect(throws: WireError.self) { _ = try PcapReplay(path: scratch.file("text")) }
        #expect {
            _ = try PcapReplay(path: scratch.file("absent"))
        } throws: { error in
            "\(error)"
                == "cannot read the capture file \(scratch.file("absent")): No such file or directory; give a readable pcap or pcapng file"
        }
        try scratch.write("raw.pcap", CaptureFile(linkType: 101).bytes)
        #expect(throws: WireError.notEthernet(path: scratch.file("raw.pcap"), linkType: "RAW")) {
            _ = try PcapReplay(path: scratch.file("raw.pcap"))
        }
    }
}

@Suite struct PcapCaptureTests {
    /// What was captured is what passed, with its times, in both directions, and replays to the same frames.
    @Test func roundTrip() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.file("out.pcap")
        var capture = try PcapCapture(ScriptedWire(), path: path, frameCapacity: 2048)
        var nicIn = FrameQueue(depth: 256, frameCapacity: 2048)
        var nicOut = FrameQueue(depth: 256, frameCapacity: 2048)
        let start = Instant(nanoseconds: 3_000_000_007)
        fill(&capture.inner.incoming, 0..<100, length: 1514)
        #expect(try capture.receive(into: &nicIn, now: start, limit: 100) == 100)
        #expect(drain(&nicIn) == (0..<100).map { frame($0, length: 1514) })
        fill(&nicOut, 100..<200)
        #expect(try capture.transmit(from: &nicOut, now: start + .nanoseconds(1)) == 100)
        #expect(drain(&capture.inner.outgoing) == (100..<200).map { frame($0) })
        #expect(capture.capturedFrames == 200)
        try capture.flush()

        var expected = CaptureFile()
        for n in 0..<100 { expected.add(3, 7, frame(n, length: 1514)) }
        for n in 100..<200 { expected.add(3, 8, frame(n)) }
        let written = try scratch.read("out.pcap")
        // Bytes 16 to 19 are the snapshot length, which is the writer's choice.
        #expect(written.prefix(16) == expected.bytes.prefix(16))
        #expect(written.dropFirst(20) == expected.bytes.dropFirst(20))

        var replay = try PcapReplay(path: path)
        #expect(try replay.receive(into: &nicIn, now: .zero, limit: 256) == 100)
        #expect(replay.nextDeadline == .zero + .nanoseconds(1))
        #expect(try replay.receive(into: &nicIn, now: .zero + .nanoseconds(1), limit: 256) == 100)
        #expect(drain(&nicIn) == (0..<100).map { frame($0, length: 1514) } + (100..<200).map { frame($0) })
    }

    /// Frames are captured once, although the wire underneath takes them bit by bit, and none is lost.
    @Test func innerBackPressureCapturesEachFrameOnce() throws {
        let scratch = try ScratchDirectory()
        var capture = try PcapCapture(ScriptedWire(), path: scratch.file("out.pcap"), frameCapacity: 2048)
        capture.inner.room = 3
        var nicOut = FrameQueue(depth: 512, frameCapacity: 2048)
        fill(&nicOut, 0..<300)
        while !nicOut.isEmpty || capture.nextDeadline != .never {
            _ = try capture.transmit(from: &nicOut, now: .zero)
        }
        #expect(drainNumbers(&capture.inner.outgoing) == Array(0..<300))
        #expect(capture.capturedFrames == 300)
    }

    /// Without a flush the file is complete when the capture ends; closing gives the wire back.
    @Test func theEndWritesEverything() throws {
        let scratch = try ScratchDirectory()
        for closing in [false, true] {
            let path = scratch.file("\(closing).pcap")
            do {
                var capture = try PcapCapture(ScriptedWire(), path: path, frameCapacity: 2048)
                var nicOut = FrameQueue(depth: 8, frameCapacity: 2048)
                fill(&nicOut, 0..<5)
                _ = try capture.transmit(from: &nicOut, now: .zero)
                if closing {
                    let inner = try capture.close()
                    #expect(inner.outgoing.count == 5)
                }
            }
            #expect(try scratch.read("\(closing).pcap").count == 24 + 5 * (16 + 64))
        }
    }

    @Test func anUnwritablePathIsRefused() throws {
        let scratch = try ScratchDirectory()
        let path = scratch.file("absent/out.pcap")
        #expect {
            _ = try PcapCapture(ScriptedWire(), path: path, frameCapacity: 2048)
        } throws: { error in
            "\(error)".hasPrefix("cannot write the capture file \(path): No such file or directory;")
        }
        #expect(throws: WireError.self) { _ = try PcapCapture(ScriptedWire(), path: "-", frameCapacity: 2048) }
    }

    /// A full disk is an error of `flush`, not a silent loss.
    @Test func aFullDiskIsReported() throws {
        var capture = try PcapCapture(ScriptedWire(), path: "/dev/full", frameCapacity: 2048)
        var nicOut = FrameQueue(depth: 64, frameCapacity: 2048)
        fill(&nicOut, 0..<64, length: 1500)
        _ = try capture.transmit(from: &nicOut, now: .zero)
        var failed = false
        do { try capture.flush() } catch { failed = "\(error)".contains("No space left") }
        #expect(failed)
    }
}
