import NICRegisters
import SoftNIC
import Testing

@Suite struct SplitSweepTests {
    @Test(
        "whatever the size of the payload and of the options, the region gets all of the payload and nothing else (S2.25, S3.02, S3.03, U.40)",
        arguments: SoftNICPreset.allCases, [0, 4, 12, 40])
    func sweep(_ preset: SoftNICPreset, _ options: Int) throws {
        for payload in [1, 7, 8, 16, 32, 64, 100, 128, 256, 512, 536, 1000, 1024, 1448, 1460, 2048] {
            let bench = try Bench(preset)
            bench.link()
            bench.startQueue(0, type: 2)
            bench.enableReceiver()
            let recipe = FrameRecipe {
                $0.payload = payload
                $0.tcpOptions = options
                $0.salt = payload
            }
            #expect(bench.send(recipe))
            let done = bench.completion(0, 0)
            // A frame below 60 bytes is padded on the wire, and padding is payload to a NIC that does not read the IP length.
            let padded = max(recipe.bytes.count, 60) - recipe.bytes.count
            let headers = 54 + options
            #expect(done.splitHeader && done.headerLength == headers)
            let header = bench.header(0, 0)
            #expect(header[..<headers] == recipe.bytes[..<headers])
            #expect(header[headers...].allSatisfy { $0 == Bench.fill }, "payload with the headers")
            let region = bench.payload(0, 0)
            #expect(region[..<payload] == FrameRecipe.pattern(payload, salt: payload)[...])
            let rest = preset == .strict ? SoftNIC.poison : Bench.fill
            #expect(region[(payload + padded)..<2048].allSatisfy { $0 == rest }, "more than payload in the region")
        }
    }
}
