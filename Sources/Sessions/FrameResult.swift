internal import Engine
internal import HeaderSplit
internal import TCPLite
internal import VFIODriver

/// The result of a run without TCP: what was delivered, and what was dropped, by reason.
public struct FrameResult: Encodable, Sendable {
    /// Frames that the consumer saw.
    public var frames: UInt64
    /// Of those: whose checksums were found good.
    public var verified: UInt64
    /// Of those: with a payload in the region.
    public var withPayload: UInt64
    /// Bytes beyond the headers.
    public var payloadBytes: UInt64
    /// SHA-256 of the payloads in the order of their arrival.
    public var sha256: String
    /// Frames dropped, by reason.
    public var dropped: Drops

    /// Why frames were dropped.
    public struct Drops: Encodable, Sendable {
        /// The consumer had no room.
        public var noRoom: UInt64
        /// No slot was free to replace the frame's.
        public var noReplacement: UInt64
        /// A checksum was wrong.
        public var badChecksum: UInt64
        /// Payload in the region whose checksum nobody could check.
        public var unverifiable: UInt64
        /// Lengths that contradict each other.
        public var malformed: UInt64
        /// The header did not fit its buffer.
        public var headerOverflow: UInt64
        /// The frame lay in several buffers, or its completion made no sense.
        public var unusable: UInt64
        /// The port had no room, or a queue no free descriptor.
        public var missed: UInt64
        /// Frames that were for nobody here.
        public var notSelected: UInt64
    }
}

extension ReceiveResult {
    /// Fills in what frames brought, and judges.
    mutating func finish(
        _ options: FrameOptions, _ report: EngineReport, _ final: EngineReport, _ device: DeviceReport
    ) {
        let queues = report.split + report.host
        let counts =
            device.frames ?? FrameCounts(frames: 0, verified: 0, payloadBytes: 0, outOfRegion: 0, sha256: "")
        frames = FrameResult(
            frames: counts.frames, verified: counts.verified, withPayload: report.frames.withPayload,
            payloadBytes: counts.payloadBytes, sha256: counts.sha256,
            dropped: FrameResult.Drops(
                noRoom: report.frames.noRoom, noReplacement: queues.noReplacement,
                badChecksum: report.frames.badChecksums, unverifiable: report.frames.unverifiable,
                malformed: report.frames.malformed, headerOverflow: report.frames.headerOverflows,
                unusable: queues.chained &+ queues.badBuffer &+ queues.badLength &+ queues.frameErrors,
                missed: report.port.missed &+ report.port.queueDrops, notSelected: report.stack.framesReceived))
        transfer.require(counts.outOfRegion == 0, "\(counts.outOfRegion) records pointed outside the region")
        transfer.expect(
            options.limit == 0 || counts.frames >= options.limit,
            "the wire had nothing more to deliver after \(counts.frames) of \(options.limit) frames")
        transfer.finish(final)
        transfer.ok = transfer.problems.isEmpty
    }
}
