internal import Foundation

/// The states that iperf3's two ends tell each other as single bytes on the control connection. Sources: descriptions of the
/// protocol that its users have published, and what its client was seen to send.
enum IperfState: UInt8 {
    case testStart = 1
    case testRunning = 2
    case testEnd = 4
    case exchangeParameters = 9
    case createStreams = 10
    case serverTerminate = 11
    case clientTerminate = 12
    case exchangeResults = 13
    case displayResults = 14
    case done = 16
    /// A server that is busy with somebody else.
    case accessDenied = 0xFF
}

/// What a client asks for; it leaves out what it does not want.
struct IperfParameters: Decodable {
    var tcp: Bool?
    var udp: Bool?
    var parallel: Int?
    var reverse: Bool?
    var bidirectional: Bool?
    /// Bytes of one write.
    var len: Int?

    /// Connections for data.
    var streams: Int { parallel ?? 1 }
    var isReverse: Bool { reverse ?? false }

    /// What is wrong with it, in a sentence for this end.
    func refusal(mostStreams: Int) -> String? {
        if udp ?? false || !(tcp ?? true) { return "it asked for something else than TCP" }
        if bidirectional ?? false { return "it asked for both directions at once; -R gives each by itself" }
        if !(1...mostStreams).contains(streams) {
            return "it asked for \(streams) streams, and from 1 to \(mostStreams) can be served"
        }
        return nil
    }
}

/// What one end counted, as the ends tell each other.
struct IperfResults: Codable {
    struct Stream: Codable {
        var id: Int
        var bytes: UInt64
        var retransmits = -1
        var jitter = 0.0
        var errors = 0
        var packets = 0
        var start_time = 0.0
        var end_time = 0.0

        private enum CodingKeys: String, CodingKey {
            case id, bytes, retransmits, jitter, errors, packets, start_time, end_time
        }

        init(id: Int, bytes: UInt64, seconds: Double) {
            self.id = id
            self.bytes = bytes
            end_time = seconds
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            id = try fields.decode(Int.self, forKey: .id)
            bytes = try fields.decode(UInt64.self, forKey: .bytes)
        }
    }

    var cpu_util_total = 0.0
    var cpu_util_user = 0.0
    var cpu_util_system = 0.0
    var sender_has_retransmits = 0
    var streams: [Stream]

    private enum CodingKeys: String, CodingKey {
        case cpu_util_total, cpu_util_user, cpu_util_system, sender_has_retransmits, streams
    }

    init(streams: [Stream]) { self.streams = streams }

    init(from decoder: any Decoder) throws {
        streams = try decoder.container(keyedBy: CodingKeys.self).decode([Stream].self, forKey: .streams)
    }

    /// As it travels: a length in four bytes, big-endian, and JSON.
    var message: [UInt8] {
        let text = (try? JSONEncoder().encode(self)).map(Array.init) ?? []
        return (0..<4).map { UInt8(truncatingIfNeeded: text.count >> (24 - 8 * $0)) } + text
    }
}

/// Reads a JSON value of the kind that is expected; `nil` for anything else.
func iperfValue<T: Decodable>(_ type: T.Type, _ bytes: ArraySlice<UInt8>) -> T? {
    try? JSONDecoder().decode(type, from: Data(bytes))
}
