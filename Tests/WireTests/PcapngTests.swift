import DeviceMemory
import Packets
import Testing
import Timeline

@testable import Wire

/// Blocks of a pcapng file, taken apart by their lengths alone (draft-ietf-opsawg-pcapng, section 3.1).
private struct Blocks {
    var types: [UInt32] = []
    var bodies: [[UInt8]] = []

    init?(_ bytes: [UInt8]) {
        var at = 0
        while at < bytes.count {
            guard bytes.count - at >= 12 else { return nil }
            let length = Int(Blocks.word(bytes, at + 4))
            guard length >= 12, length % 4 == 0, length <= bytes.count - at,
                Blocks.word(bytes, at + length - 4) == UInt32(length)
            else { return nil }
            types.append(Blocks.word(bytes, at))
            bodies.append(Array(bytes[at + 8..<at + length - 4]))
            at += length
        }
    }

    static func word(_ bytes: [UInt8], _ at: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 | UInt32(bytes[at + $1]) << (8 * UInt32($1)) }
    }
}

@Suite struct PcapngTests {
    private func write(
        _ scratch: ScratchDirectory, epoch: UInt64 = 0, _ body: (inout PcapngWriter) -> Void
    ) throws -> [UInt8] {
        var writer = try PcapngWriter(path: scratch.file("out.pcapng"), interface: "softnic:igb", epoch: epoch)
        body(&writer)
        try writer.flush()
        return try scratch.read("out.pcapng")
    }

    private func with<Result>(_ bytes: [UInt8], _ body: (ByteView) -> Result) -> Result {
        let memory = HeapBytes(count: max(bytes.count, 1))
        for (i, byte) in bytes.enumerated() { memory.bytes[i] = byte }
        return body(memory.bytes.readOnly.slice(0, bytes.count))
    }

    @Test("a file begins with a section and an Ethernet interface with nanoseconds, before any frame (U.36)")
    func beginning() throws {
        let scratch = try ScratchDirectory()
        let blocks = try #require(try Blocks(write(scratch) { _ in }))
        #expect(blocks.types == [0x0A0D_0D0A, 1])
        #expect(Blocks.word(blocks.bodies[0], 0) == 0x1A2B_3C4D)
        #expect(Blocks.word(blocks.bodies[0], 4) == 1)
        #expect(Blocks.word(blocks.bodies[1], 0) == 1 && Blocks.word(blocks.bodies[1], 4) == 0)
        // if_name, then if_tsresol: 10^-9.
        #expect(Blocks.word(blocks.bodies[1], 8) == 11 << 16 | 2)
        #expect(blocks.bodies[1][12..<23].elementsEqual("softnic:igb".utf8))
        #expect(Blocks.word(blocks.bodies[1], 24) == 1 << 16 | 9 && blocks.bodies[1][28] == 9)
    }

    @Test("a frame has its headers, its whole length, its time, and the place of its payload (U.36)", arguments: 0..<8)
    func frames(_ odd: Int) throws {
        let scratch = try ScratchDirectory()
        let header = (0..<54 + odd).map { UInt8($0) }
        let bytes = try write(scratch, epoch: 1_700_000_000_000_000_000) { writer in
            with(header) {
                writer.write(
                    $0, length: 1514, fragment: CapturedFragment(region: 3, offset: 0x1_2345_6000, length: 1460),
                    at: Instant(nanoseconds: 7))
            }
        }
        let blocks = try #require(Blocks(bytes))
        #expect(blocks.types == [0x0A0D_0D0A, 1, 6])
        let body = blocks.bodies[2]
        #expect(UInt64(Blocks.word(body, 4)) << 32 | UInt64(Blocks.word(body, 8)) == 1_700_000_000_000_000_007)
        #expect(Blocks.word(body, 12) == UInt32(header.count) && Blocks.word(body, 16) == 1514)
        #expect(Array(body[20..<20 + header.count]) == header)
        let text = "payload: region 3, offset 0x123456000, length 1460"
        let options = 20 + (header.count + 3) / 4 * 4
        #expect(Blocks.word(body, options) == 4 << 16 | 2 && Blocks.word(body, options + 4) == 1)
        #expect(Blocks.word(body, options + 8) == UInt32(text.utf8.count) << 16 | 1)
        #expect(body[(options + 12)...].starts(with: text.utf8))
    }

    @Test("libpcap reads what was written, payload and all (U.36)")
    func readBack() throws {
        let scratch = try ScratchDirectory()
        let sent = (0..<300).map { frame($0 % 200) }
        _ = try write(scratch) { writer in
            for (i, bytes) in sent.enumerated() {
                let cut = 14 + i % 40
                with(Array(bytes[..<cut])) { front in
                    with(Array(bytes[cut...])) { rest in
                        writer.write(
                            front, rest, length: bytes.count,
                            fragment: CapturedFragment(region: 0, offset: 0, length: UInt32(rest.count)),
                            at: Instant(nanoseconds: UInt64(i)))
                    }
                }
            }
        }
        var reader = try CaptureReader(path: scratch.file("out.pcapng"))
        var got: [[UInt8]] = []
        while let next = reader.next() {
            #expect(next.originalLength == next.bytes.count && next.offset == .nanoseconds(UInt64(got.count)))
            got.append((0..<next.bytes.count).map { next.bytes[$0] })
        }
        #expect(reader.problem == nil && got == sent)
    }

    @Test("a file that cannot be written is told of, once it is known")
    func failures() throws {
        #expect(throws: WireError.self) {
            _ = try PcapngWriter(path: "/nonexistent/out", interface: "", epoch: 0)
        }
        // A full disk: the writes fail, and every flush says so.
        var writer = try PcapngWriter(path: "/dev/full", interface: "", epoch: 0)
        for _ in 0..<2 {
            var failed = false
            do throws(WireError) { try writer.flush() } catch { failed = true }
            #expect(failed)
        }
    }
}
