internal import HeaderSplit

/// A frame that was sent to the own port, and what came of it: everything that another device can be compared by.
public struct FrameVector: Sendable, Equatable {
    /// What came back.
    public struct Answer: Sendable, Equatable {
        /// The receive queue.
        public var queue: Int
        /// `split`, `unsplit` or `header-overflow`.
        public var split: String
        /// `good`, `bad` or `unknown`.
        public var checksum: String
        /// The descriptor's words as the device wrote them.
        public var words: [UInt64]
        /// Bytes in host memory.
        public var header: [UInt8]
        /// Bytes in the region.
        public var payloadLength: Int
        /// ``digest(_:)`` of these.
        public var payloadDigest: UInt64
    }

    /// The frame.
    public var frame: LoopbackFrame
    /// `nil`: nothing came back.
    public var answer: Answer?

    init(_ frame: LoopbackFrame, _ arrival: LoopbackArrival?) {
        self.frame = frame
        answer = arrival.map {
            Answer(
                queue: $0.queue, split: Self.name($0.split), checksum: Self.name($0.checksum), words: $0.writeBack,
                header: $0.header, payloadLength: $0.payload?.count ?? 0, payloadDigest: Self.digest($0.payload ?? []))
        }
    }

    init(frame: LoopbackFrame, answer: Answer?) {
        self.frame = frame
        self.answer = answer
    }

    static func name(_ verdict: SplitVerdict) -> String {
        switch verdict {
        case .split: "split"
        case .unsplit: "unsplit"
        case .headerOverflow: "header-overflow"
        }
    }

    static func name(_ verdict: ChecksumVerdict) -> String {
        switch verdict {
        case .good: "good"
        case .bad: "bad"
        case .unknown: "unknown"
        }
    }

    /// FNV-1a over 64 bits: tells payloads apart, and is no proof against somebody who wants two alike.
    public static func digest(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
