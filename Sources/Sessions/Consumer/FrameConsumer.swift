internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Timeline
internal import Wire

/// The application of a run without TCP: headers to a capture file, payload to a digest and a file, tokens back.
struct FrameConsumer: RunConsumer, ~Copyable {
    private var client: ApplicationClient
    private let region: MappedView
    private var capture: PcapngWriter?
    private let capturesPayload: Bool
    private var output: OutputFile?
    private var digest = StreamDigest()
    private let limit: UInt64
    private var frames: UInt64 = 0
    private var verified: UInt64 = 0
    /// Bytes beyond the headers, in host memory or in the region.
    private var payloadBytes: UInt64 = 0
    private(set) var deviceBytes: UInt64 = 0
    private(set) var linearBytes: UInt64 = 0
    private var records: UInt64 = 0
    private var outOfRegion: UInt64 = 0
    private var failure: SessionError?
    /// The frame whose payload is yet to come.
    private var open: FragmentRecord?

    /// - Parameter interface: the device's name, for the capture file.
    init(
        channel: ApplicationChannel, wakeup: consuming WakeupLine, region: borrowing DeviceRegion,
        _ options: FrameOptions,
        interface: String, outputPath: String?
    ) throws(SessionError) {
        do {
            let view = try region.object.view(length: region.slotBytes, rights: .read)
            var capture: PcapngWriter?
            if let path = options.capturePath {
                capture = try PcapngWriter(path: path, interface: interface, epoch: monotonicEpoch())
            }
            var output: OutputFile?
            if let outputPath { output = try OutputFile(path: outputPath) }
            self.region = view
            self.capture = capture
            self.output = output
        } catch {
            throw SessionError(error)
        }
        client = ApplicationClient(channel, wakeup: wakeup)
        limit = options.limit
        capturesPayload = options.capturesPayload
    }

    mutating func poll(now: Instant) -> Bool {
        var count = 0
        while count < 256, let record = client.next() {
            take(record, now)
            count &+= 1
        }
        client.flush()
        return count != 0
    }

    private mutating func take(_ record: FragmentRecord, _ now: Instant) {
        switch record.kind {
        case .frame:
            records &+= 1
            linearBytes &+= UInt64(record.length)
            // What was under way when the last frame came is given back unseen.
            if isDone {
                client.consumeLinear(record)
                return
            }
            frames &+= 1
            if record.isVerified { verified &+= 1 }
            let bytes = client.bytes(of: record)
            let header = min(Int(record.headerLength), bytes.count)
            if record.hasMore { open = record } else { write(bytes, header, nil, now) }
            use(bytes.from(header))
            // The header is written when the length of the whole frame is known: its bytes are given back then.
            if !record.hasMore { client.consumeLinear(record) }
        case .device:
            records &+= 1
            deviceBytes &+= UInt64(record.length)
            if let head = open {
                open = nil
                let bytes = client.bytes(of: head)
                write(bytes, min(Int(head.headerLength), bytes.count), record, now)
                client.consumeLinear(head)
                if let payload = payload(of: record) { use(payload) } else { outOfRegion &+= 1 }
            }
            while !client.giveBack(record.token) { client.flush() }
        default: break
        }
    }

    /// The records come from another process, perhaps: a range outside the region is not followed.
    private func payload(of record: FragmentRecord) -> ByteView? {
        let size = UInt64(region.count)
        guard record.offset <= size && UInt64(record.length) <= size &- record.offset else { return nil }
        return region.bytes.readOnly.slice(Int(record.offset), Int(record.length))
    }

    private mutating func write(_ bytes: ByteView, _ header: Int, _ fragment: FragmentRecord?, _ now: Instant) {
        guard var taken = capture.take() else { return }
        var rest: ByteView?
        var place: CapturedFragment?
        if let fragment {
            if capturesPayload { rest = payload(of: fragment) }
            place = CapturedFragment(region: fragment.region, offset: fragment.offset, length: fragment.length)
        }
        taken.write(
            capturesPayload ? bytes : bytes.slice(0, header), rest, length: bytes.count + Int(place?.length ?? 0),
            fragment: place, at: now)
        capture = consume taken
    }

    private mutating func use(_ payload: ByteView) {
        payloadBytes &+= UInt64(payload.count)
        guard payload.count != 0 else { return }
        guard var file = output.take() else { return digest.update(payload) { _ in } }
        digest.update(payload) { file.write($0) }
        output = consume file
    }

    var isDone: Bool { limit != 0 && frames >= limit }

    mutating func finish() {
        if var taken = capture.take() {
            do {
                try taken.flush()
            } catch {
                failure = SessionError(error)
            }
        }
        guard var file = output.take() else { return digest.flush { _ in } }
        digest.flush { file.write($0) }
        if let problem = file.commit() { failure = problem }
    }

    func fill(_ report: inout DeviceReport) {
        report.records = records
        report.failure = failure?.description
        report.frames = FrameCounts(
            frames: frames, verified: verified, payloadBytes: payloadBytes, outOfRegion: outOfRegion,
            sha256: hexadecimal(digest.finish()))
    }
}

/// What a consumer of frames saw.
public struct FrameCounts: Codable, Sendable {
    /// Frames seen.
    public var frames: UInt64
    /// Of those: whose checksums the device or the stack found good.
    public var verified: UInt64
    /// Bytes beyond the headers.
    public var payloadBytes: UInt64
    /// Records that pointed outside the region.
    public var outOfRegion: UInt64
    /// SHA-256 of the payloads in the order of their arrival.
    public var sha256: String
}
