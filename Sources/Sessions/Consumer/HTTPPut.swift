internal import DeviceMemory

/// The server's half of one HTTP/1.1 PUT with a Content-Length (RFC 9112): enough for `curl -T FILE`.
///
/// The head is parsed by the consumer, which may read payload; the stack never sees it.
struct HTTPPut {
    /// Longest request head accepted, in bytes.
    static let headLimit = 16 << 10
    private var head: [UInt8] = []
    private(set) var headDone = false
    /// The client waits for "100 Continue" before it sends the body.
    private(set) var expectsContinue = false
    /// What is wrong with the request; the answer is its status line.
    private(set) var refusal: String?
    /// Body bytes still to come.
    var bodyRemaining: UInt64 = 0

    init() {}

    /// Whether head and body are complete.
    var isComplete: Bool { headDone && bodyRemaining == 0 }

    /// Whether it was a PUT that could be accepted, and all of it came.
    var isAccepted: Bool { isComplete && refusal == nil }

    /// Consumes head bytes; returns where the body starts in `bytes`, or `nil` while the head goes on.
    mutating func head(_ bytes: ByteView) -> Int? {
        if headDone { return 0 }
        for i in 0..<bytes.count {
            head.append(bytes[i])
            if head.count >= 4 && head.suffix(4).elementsEqual([13, 10, 13, 10]) {
                headDone = true
                parse()
                return i + 1
            }
            if head.count > HTTPPut.headLimit {
                headDone = true
                refusal = "431 Request Header Fields Too Large"
                return i + 1
            }
        }
        return nil
    }

    private mutating func parse() {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        head = []
        guard let request = lines.first, request.hasPrefix("PUT ") || request.hasPrefix("POST ") else {
            refusal = "405 Method Not Allowed"
            return
        }
        var length: UInt64?
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            let value = parts[1].trimming()
            switch parts[0].lowercased() {
            case "content-length": length = UInt64(value)
            case "expect": expectsContinue = value.lowercased() == "100-continue"
            default: break
            }
        }
        if let length { bodyRemaining = length } else { refusal = "411 Length Required" }
    }

    /// The final answer.
    var answer: String {
        "HTTP/1.1 \(refusal ?? "201 Created")\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    }

    /// The interim answer.
    static var proceed: String { "HTTP/1.1 100 Continue\r\n\r\n" }
}

extension Substring {
    fileprivate func trimming() -> String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}
