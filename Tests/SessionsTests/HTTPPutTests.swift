import DeviceMemory
import Testing

@testable import Sessions

@Suite struct HTTPPutTests {
    private func parse(_ text: String, cut: Int) -> (HTTPPut, Int) {
        var put = HTTPPut()
        let all = Array(text.utf8)
        let memory = HeapBytes(count: all.count)
        for (i, byte) in all.enumerated() { memory.bytes[i] = byte }
        var bodyBytes = 0
        var position = 0
        while position < all.count {
            let n = min(cut, all.count - position)
            let piece = memory.bytes.slice(position, n).readOnly
            if let start = put.head(piece) {
                let body = min(UInt64(n - start), put.bodyRemaining)
                put.bodyRemaining -= body
                bodyBytes += Int(body)
            }
            position += n
        }
        extendLifetime(memory)
        return (put, bodyBytes)
    }

    @Test("a PUT is understood wherever its segments were cut", arguments: [1, 2, 3, 7, 1000])
    func cuts(_ cut: Int) {
        let (put, body) = parse(
            "PUT /file HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:  5 \r\nExpect: 100-continue\r\n\r\nhelloGARBAGE", cut: cut
        )
        #expect(put.headDone && put.expectsContinue && put.refusal == nil && put.isComplete && body == 5)
    }

    @Test("what is no PUT with a length is refused with the right status")
    func refusals() {
        #expect(parse("GET / HTTP/1.1\r\n\r\n", cut: 100).0.refusal == "405 Method Not Allowed")
        #expect(
            parse("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", cut: 100).0.refusal == "411 Length Required")
        #expect(parse("PUT / HTTP/1.1\r\nContent-Length: -4\r\n\r\n", cut: 9).0.refusal == "411 Length Required")
        let long = "PUT / HTTP/1.1\r\nX: " + String(repeating: "a", count: 20_000)
        #expect(parse(long, cut: 512).0.refusal == "431 Request Header Fields Too Large")
    }
}
