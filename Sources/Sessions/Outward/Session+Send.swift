internal import DeviceMemory
internal import Engine
public import Logging
internal import Packets
internal import TCPLite
internal import Timeline

extension Session {
    /// Opens a connection from a stack on a device, sends, and closes; problems of the transfer are in the result, problems of the
    /// set-up are thrown.
    public static func send(
        _ options: SendOptions, log: Logger, progress: @escaping (UInt64) -> Void
    ) throws(SessionError) -> SendResult {
        let interface = try options.station.interface(mtu: options.device.mtu)
        let target = try ConnectPlan(options)
        guard interface.address != target.address else {
            throw SessionError("\(options.receiver) is this end's own address; change --address or --to")
        }
        if case .file(let path) = options.source { try ByteSource.check(path: path) }
        let outcome = try runRemote(
            .send(options), options.device, options.placement, interface, connections: 1, ports: [], connect: target,
            lends: options.fromRegion,
            patience: Interval(nanoseconds: .max), log: log, progress: progress)
        var transfer = outcome.transfer
        transfer.take(outcome.report, outcome.device)
        transfer.finish(outcome.final)
        let sent = outcome.device.sent ?? SendReport()
        var result = SendResult(ledger: transfer.ledger)
        result.problems = transfer.problems
        result.bytes = sent.bytes
        result.sha256 = sent.sha256
        result.receiver = options.receiver
        result.elapsedS = sent.elapsedS
        result.longestPauseS = sent.longestPauseS
        if sent.elapsedS > 0 { result.goodputGbps = Double(sent.bytes) * 8 / sent.elapsedS / 1e9 }
        result.placedBytes = outcome.report.stack.placedBytesSent
        result.framesCut = outcome.report.stack.framesToCut
        result.retransmittedBytes = outcome.report.stack.bytesRetransmitted
        result.receivedBytes = transfer.bytes
        result.iommuFaults = transfer.iommuFaults
        result.leakedSlots = transfer.leakedSlots
        result.seed = options.device.seed
        if let ending = sent.ending {
            result.problems.append("\(ending) (\(sent.bytes) bytes had been handed over)")
        } else if !sent.complete && !transfer.interrupted {
            result.problems.append("the connection had not ended in order after \(sent.bytes) bytes")
        }
        result.ok = result.problems.isEmpty
        return result
    }
}

/// A connection that a run's stack opens.
struct ConnectPlan {
    let address: IPv4Address
    let port: UInt16
    let patience: Interval

    init(_ options: SendOptions) throws(SessionError) {
        let parts = options.receiver.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(String(parts[0])), let port = UInt16(parts[1]), port != 0
        else { throw SessionError("\(options.receiver) is no address with a port; write it as 10.0.0.2:5001") }
        self.address = address
        self.port = port
        patience = .seconds(options.patienceS)
    }
}
