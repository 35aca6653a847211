/// A whole run as a value: what is not in here does not influence it. Times are in microseconds, probabilities in millionths.
package struct Scenario: Sendable, Hashable, Codable {
    /// Keys what is random and not said by the rest: sequence numbers, ports, and which frame an impairment hits.
    package var seed: UInt64 = 0
    /// The stations, and the line that each sends on.
    package var stations = [StationPlan(), StationPlan()]
    package var lines = [LinePlan(), LinePlan()]
    package var flows: [FlowPlan] = []
    /// Connections are over IPv6.
    package var isIPv6 = false
    /// What a scripted peer does in place of station 0; `nil` for two stacks.
    package var liar: [Lie]?
    /// Impairments end here: from then on every frame arrives.
    package var healsAt = 60_000_000

    package init() {}
}

/// What happens to the frames that one station sends.
package struct LinePlan: Sendable, Hashable, Codable {
    package var loss = 0
    /// Probability that a burst of losses begins, and frames in it at most.
    package var burst = 0
    package var burstLength = 0
    package var reorder = 0
    /// Microseconds that a reordered frame is late at most.
    package var reorderDelay = 0
    package var duplicate = 0
    package var corruptHeader = 0
    package var corruptPayload = 0
    /// One way.
    package var delay = 50
    /// Nanoseconds that a byte occupies the line; bytes that may wait for it.
    package var byteTime = 8
    package var queue = 1 << 20
    /// Longest datagram; a longer one is dropped, and its sender told.
    package var mtu = 9000
    /// Stretches in which nothing arrives.
    package var silences: [Silence] = []
    /// In place of probabilities: what happens to which frame.
    package var script: [Fault]?

    package init() {}

    /// Whether frames arrive as they were sent, in order.
    package var isClean: Bool {
        loss + burst + reorder + duplicate + corruptHeader + corruptPayload == 0 && silences.isEmpty
            && script?.isEmpty ?? true
    }
}

/// A stretch of time without a frame.
package struct Silence: Sendable, Hashable, Codable {
    package var from: Int
    package var length: Int

    package init(from: Int, length: Int) {
        self.from = from
        self.length = length
    }
}

/// One thing that happens to one frame, counted from 0 in the order in which they are sent on a line.
package struct Fault: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Hashable, Codable {
        case drop, duplicate, delay, flip
    }

    package var frame: Int
    package var kind: Kind
    /// Microseconds of delay, also of the copy; the bit that is flipped.
    package var value = 0

    package init(frame: Int, kind: Kind, value: Int = 0) {
        self.frame = frame
        self.kind = kind
        self.value = value
    }
}

/// A station: its stack's configuration, how its NIC lays frames out, how its application reads.
package struct StationPlan: Sendable, Hashable, Codable {
    package enum Layout: String, Sendable, Hashable, Codable {
        /// TCP payload in a slot, all else in host memory.
        case split
        /// As `split`, but so many bytes of payload stay behind the header.
        case late
        /// Frames that fit a header buffer stay in host memory whole.
        case buffered
        /// All of it in host memory.
        case whole
    }

    package var mtu = 1500
    package var layout = Layout.split
    /// Bytes of ``Layout-swift.enum/late`` and ``Layout-swift.enum/buffered``.
    package var boundary = 0
    /// Probability that the device says nothing of a frame's checksum, if the frame is in host memory.
    package var unverified = 0
    /// The device looks at its ring so often, and the driver takes so many frames at once.
    package var coalescing = 0
    package var burst = 64
    package var slots = 192
    /// Slots of the flows' guarantees; none makes them share.
    package var guarantee = 48
    package var isShared = false
    package var blocks = 1024
    package var linearBytes = 64 << 10
    package var sendBuffer = 64 << 10
    package var ranges = 64
    package var output = 64
    package var scale = 7
    package var timestamps = true
    package var sack = true
    package var nagle = true
    package var offload = false
    /// Probability that a write's bytes lie in device memory and are sent from there; slots of it; runs of bytes at once.
    package var placed = 0
    package var placedSlots = 8
    package var placedRuns = 256
    /// The device cuts such frames into segments, and keeps its hold on their parts for so long.
    package var segmentation = false
    package var release = 0
    /// What the application receives is what it sends: slots as they are, host bytes copied.
    package var relays = false
    package var delayedACK = 40_000
    package var initialWindow = 10
    package var acknowledgeEvery = 2
    package var isCubic = false
    /// Sequence numbers begin a little before they wrap.
    package var wraps = false
    /// The application looks at its records so often, and takes so many (0: all there are).
    package var readEvery = 0
    package var readRecords = 0
    /// It reads by demands of so many bytes; 0 takes what comes.
    package var demand = 0
    /// Records that it keeps while it goes on reading.
    package var hold = 0
    /// It sleeps once, after so many bytes, for so long.
    package var sleepAfter = 0
    package var sleep = 0

    package init() {}
}

/// A connection: who opens it, and what each end does.
package struct FlowPlan: Sendable, Hashable, Codable {
    package var ends = [EndPlan(), EndPlan()]
    /// Both ends connect.
    package var isSimultaneous = false
    /// When it is opened.
    package var opensAt = 0

    package init() {}
}

/// What an application does with its end of a connection.
package struct EndPlan: Sendable, Hashable, Codable {
    package enum Ending: String, Sendable, Hashable, Codable {
        /// Shuts its direction down when everything is written.
        case shutdown
        /// Shuts down after the peer has.
        case afterPeer
        /// Shuts down when everything is written, and leaves when the peer's end was read.
        case leave
        /// Leaves when everything is written, whatever may come.
        case depart
        /// Resets when everything is written.
        case abort
    }

    package var bytes = 0
    /// Most bytes of one write, and the pause after it.
    package var write = 1 << 20
    package var writeEvery = 0
    package var ending = Ending.shutdown

    package init() {}
}
