internal import Engine
internal import Timeline
internal import VFIODriver
internal import Wire

/// Which of the model's behaviours a run uses.
public enum DevicePreset: String, Codable, Sendable, CaseIterable {
    /// What the datasheet documents, at its most inconvenient, with driver errors counted.
    case strict
    /// What QEMU's igb does.
    case qemu
}

/// What is asked of the model and the memory, for both commands.
public struct DeviceOptions: Codable, Sendable {
    /// The device.
    public var name = DeviceName.softnic(.igb)
    /// Behaviour of the model.
    public var preset = DevicePreset.strict
    /// Queues that split.
    public var queues = 2
    /// Descriptors of each ring.
    public var descriptors = 512
    /// Bytes of the device region.
    public var regionBytes = 16 << 20
    /// Whether the slots are registered host memory, which this side's processor may read, instead of a device's.
    public var regionIsHost = false
    /// Memory of a PCI function that is the region instead; `nil` is memory of the host, of `regionBytes`.
    public var regionBAR: BARName?
    /// Bytes after which the region is taken away under the device, to see who notices; `nil` is never.
    public var loseRegionAfter: UInt64?
    /// Bytes of one slot.
    public var slotSize = 4096
    /// Largest IP packet.
    public var mtu = 1500
    /// Everything random in the run follows from this.
    public var seed: UInt64 = 1
    /// Never sleep, however idle: the latency of a core that does nothing else.
    public var busyPoll = false
    /// NUMA node for rings and headers; `nil` is where the run starts.
    public var node: Int?
    /// Capture file of what passes the wire; `nil` is none.
    public var capture: String?

    /// The defaults above.
    public init() {}
}

/// Who runs where.
public enum Placement: String, Codable, Sendable {
    /// Everything in one thread and in virtual time: replays bit for bit.
    case oneThread
    /// Stack in one thread; device, peer and consumer in another.
    case twoThreads
    /// Stack in this process; device, peer and consumer in another, so that this one maps no slot.
    case twoProcesses
}

/// Impairments as they travel to another process.
public struct ImpairmentOptions: Codable, Sendable {
    /// Probability that a frame is lost.
    public var loss = 0.0
    /// Probability that it is doubled.
    public var duplicate = 0.0
    /// Probability that later frames overtake it.
    public var reorder = 0.0
    /// How many frames may overtake it at most.
    public var reorderDepth: UInt32 = 1
    /// Probability that a bit or byte of it changes.
    public var corrupt = 0.0
    /// Probability that it loses its end.
    public var truncate = 0.0
    /// Probability that the NIC claims a wrong checksum verdict for it.
    public var lie = 0.0
    /// Longest extra delay.
    public var jitterMicroseconds: UInt64 = 0

    /// A clean wire.
    public init() {}

    /// Reads the probabilities as the command line has them; `reorder` is P or P:DEPTH.
    public init(
        loss: String, duplicate: String, reorder: String, corrupt: String, truncate: String, lie: String,
        jitterMicroseconds: UInt64
    ) throws(SessionError) {
        do {
            // Parsed for the check; the numbers travel as numbers.
            func probability(_ text: String) throws(WireError) -> Double {
                _ = try Impairments.parseProbability(text)
                return Double(text) ?? 0
            }
            self.loss = try probability(loss)
            self.duplicate = try probability(duplicate)
            self.corrupt = try probability(corrupt)
            self.truncate = try probability(truncate)
            self.lie = try probability(lie)
            reorderDepth = try Reordering(parsing: reorder).depth
            self.reorder = try probability(String(reorder.prefix { $0 != ":" }))
        } catch {
            throw SessionError(error)
        }
        self.jitterMicroseconds = jitterMicroseconds
    }

    var impairments: Impairments {
        var result = Impairments()
        result.loss = Probability(loss)
        result.duplicate = Probability(duplicate)
        result.reorder = Reordering(probability: Probability(reorder), depth: reorderDepth)
        result.corrupt = Probability(corrupt)
        result.truncate = Probability(truncate)
        result.lie = Probability(lie)
        result.jitter = .microseconds(jitterMicroseconds)
        return result
    }
}

/// What `uiodrv loopback` is asked to do.
public struct LoopbackOptions: Codable, Sendable {
    /// Model and memory.
    public var device = DeviceOptions()
    /// Bytes over all flows.
    public var bytes: UInt64 = 64 << 20
    /// Connections, all at once.
    public var flows = 4
    /// Sizes of the messages that the peer writes, drawn evenly; `nil` is one endless message.
    public var messageMinimum: UInt64?
    /// Largest message in bytes.
    public var messageMaximum: UInt64?
    /// Tokens that the consumer keeps back before it returns the oldest.
    public var hold = 0
    /// What the wire does to frames, in both directions.
    public var impairments = ImpairmentOptions()
    /// Who runs where.
    public var placement = Placement.oneThread
    /// Times that a receive queue is restarted while data flows; one thread only.
    public var restarts = 0
    /// Times that the region is changed for another while data flows; one thread only.
    public var regionChanges = 0
    /// Whether bytes that arrive in host memory are put into the region too; one thread only.
    public var uniform = false
    /// File for the trace's text; one thread only.
    public var tracePath: String?

    /// The defaults above.
    public init() {}
}

/// What a run without TCP is asked for.
public struct FrameOptions: Codable, Sendable {
    /// UDP port to take datagrams for; `nil` takes every frame.
    public var udpPort: UInt16?
    /// Frames after which the run ends; 0 is when it is told to.
    public var limit: UInt64 = 0
    /// Capture file (pcapng) for headers and the places of payload; `nil` is none.
    public var capturePath: String?
    /// Whether payload is in the capture too, as the consumer sees it.
    public var capturesPayload = false

    /// Every frame, until told to end.
    public init() {}

    var selection: FrameSelection { udpPort.map { .udp(port: $0) } ?? .all }
    var traffic: SplitTraffic { udpPort == nil ? .ipv4 : .tcpAndUDP }
}

/// How a receiver answers what it takes.
public enum StreamService: String, Codable, Sendable {
    /// Not at all.
    case take
    /// As a server of HTTP does to one PUT a connection.
    case http
    /// With the same bytes: read from the region by the consumer, and sent from host memory.
    case echo
    /// As a server of iperf3 does to its clients, one test after the other.
    case iperf3
}

/// What `uiodrv receive` is asked to do.
public struct ReceiveOptions: Codable, Sendable {
    /// Model and memory.
    public var device = DeviceOptions()
    /// Where it is plugged in, and its address.
    public var station = StationOptions()
    /// Ports to listen on.
    public var ports: [UInt16] = [5001]
    /// File for the bytes; `nil` keeps the digest alone.
    public var output: String?
    /// Connections to serve before ending.
    public var connections = 1
    /// Frames instead of connections; `nil` is TCP.
    public var frames: FrameOptions?
    /// What is done with each connection's bytes, besides digesting and keeping them.
    public var service = StreamService.take
    /// Everything goes back from the slots that it arrived in, and the consumer sees nothing of it.
    public var relay = false
    /// Who runs where.
    public var placement = Placement.twoThreads

    /// The defaults above.
    public init() {}
}
