internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Foundation
internal import Glibc
public import Logging
internal import Packets
internal import SoftNIC
internal import TCPLite
internal import Timeline
internal import VFIODriver

/// The two long commands, wired together.
public enum Session {
    /// Runs a loopback; problems of the transfer are in the result, problems of the set-up are thrown.
    public static func loopback(
        _ options: LoopbackOptions, log: Logger, progress: @escaping (UInt64) -> Void
    ) throws(SessionError) -> LoopbackResult {
        _ = try options.device.modelFamily()
        if options.placement == .oneThread {
            guard !options.device.name.hasClock else {
                throw SessionError("\(options.device.name) has a clock of its own; use --threads 2 or --isolate")
            }
            return try options.withFarEnd(now: .zero, LocalLoopback(options: options, log: log))
        }
        let outcome = try runRemote(
            .loopback(options), options.device, options.placement, SessionPlan.interface(options.device),
            connections: options.flows,
            ports: [SessionPlan.port], patience: .seconds(30), log: log, progress: progress)
        var result = LoopbackResult()
        result.transfer = outcome.transfer
        result.take(outcome.report, outcome.device, options)
        result.finish(outcome.final)
        return result
    }

    /// Runs a receiver until its connections have ended or it is stopped.
    public static func receive(
        _ options: ReceiveOptions, log: Logger, progress: @escaping (UInt64) -> Void
    ) throws(SessionError) -> ReceiveResult {
        let interface = try options.station.interface(mtu: options.device.mtu)
        if let output = options.output {
            try OutputFile.check(path: options.connections == 1 || options.frames != nil ? output : output + ".1")
        }
        let outcome = try runRemote(
            .receive(options), options.device, options.placement, interface,
            connections: options.service == .iperf3 ? IperfServer.mostStreams + 2 : options.connections,
            ports: options.frames == nil ? options.ports : [], frames: options.frames, relay: options.relay,
            patience: Interval(nanoseconds: .max), log: log, progress: progress)
        var result = ReceiveResult()
        result.transfer = outcome.transfer
        result.transfer.take(outcome.report, outcome.device)
        if let frames = options.frames {
            result.finish(frames, outcome.report, outcome.final, outcome.device)
            return result
        }
        if let echoed = outcome.echoed {
            result.finish(echoed, options.connections, outcome.final)
            return result
        }
        if let tests = outcome.device.iperf {
            result.finish(tests, outcome.final, wanted: options.connections)
            return result
        }
        result.digests = outcome.device.streams
        result.connections = outcome.device.streams.count
        result.transfer.expect(
            outcome.device.isDone,
            "\(outcome.device.wireEnded ? "the wire had nothing more to deliver" : "stopped") after \(outcome.device.streams.count { $0.complete }) of \(options.connections) connections"
        )
        result.transfer.expect(
            outcome.device.streams.allSatisfy { $0.complete }, "a connection was reset or incomplete")
        result.transfer.finish(outcome.final)
        result.transfer.ok = result.transfer.problems.isEmpty
        return result
    }

    struct Outcome {
        var transfer: TransferResult
        var report: EngineReport
        var final: EngineReport
        var device: DeviceReport
        var echoed: EchoStatistics?
    }

    static func runRemote(
        _ task: DeviceTask, _ device: DeviceOptions, _ placement: Placement, _ interface: InterfaceConfiguration,
        connections: Int, ports: [UInt16], connect: ConnectPlan? = nil, frames: FrameOptions? = nil,
        relay: Bool = false,
        lends: Bool = false, patience: Interval,
        log: Logger,
        progress: @escaping (UInt64) -> Void
    ) throws(SessionError) -> Outcome {
        let system = VFIOSystem(log: log)
        let hardware = try device.openHardware(system)
        let hardwareFamily = try hardware?.family()
        let region = try SessionPlan.region(device, system)
        var stack = try SessionPlan.stack(
            device, slots: region.slotCount, interface: interface, connections: connections)
        if let connect {
            stack.giveUp = connect.patience
            stack.giveUpOpening = connect.patience
            stack.sendBufferBytes = 1 << 20
        }
        let memory: SessionMemory
        do {
            memory = try SessionMemory()
        } catch {
            throw SessionError(error)
        }
        let lines = try WakeupLines.make()
        let wakeup = try lines.application.end()
        let fired = try lines.device.end()
        var machine: QTestMachine?
        if case .qemu(let family) = device.name { machine = try SessionPlan.machine(family, region) }
        let host = try DeviceHost.start(
            task, placement, memory: memory, region: region, lines: lines, cable: machine?.takeWire())
        let watch = DeviceWatch(host: host, memory: memory)
        let control = ControlChannel(socket: host.socket, attention: memory.attention)
        let remote = RemoteDevice(mailbox: memory.mailboxBytes, control: control, line: fired)
        defer {
            // However this ends, the device's side must not wait for a stack that will not come.
            memory.stop.storeReleasing(1)
            watch.end()
            extendLifetime(memory)
        }
        while memory.ready.loadAcquiring() == 0 && !remote.isGone && !StopRequest.isMade
            && control.socket.state == .quiet
        {
            pauseBriefly()
        }
        guard memory.ready.loadAcquiring() == 1 else {
            memory.stop.storeReleasing(1)
            // The device's side may have nothing to say yet: an interrupted run does not wait for it.
            if StopRequest.isMade { throw SessionError("the run was interrupted before it began") }
            throw control.failure() ?? SessionError("the device's side \(watch.ending) before it was ready")
        }
        var configuration = SessionPlan.engine(device, stack: stack)
        if let frames {
            configuration.frames = frames.selection
            configuration.device.split = frames.traffic
        }
        if relay || lends { SessionPlan.sendFromRegion(&configuration) }
        let plan = StackPlan(
            memory: memory, configuration: configuration, ports: ports, connect: connect,
            relays: relay ? connections : nil, lends: lends, patience: patience,
            loseRegionAfter: device.loseRegionAfter, log: log, progress: progress)
        let faults = IOMMUFaultLog()
        let sleeper: Sleeper? = device.busyPoll ? nil : Sleeper(wakeup)
        let finding: StackFinding
        if let machine {
            let cabled = try SessionPlan.device(machine, region)
            finding = try device.modelFamily().withDriver(
                StackRun(device: cabled, region: region, sleeper: sleeper, plan: plan))
        } else if let hardware, let hardwareFamily {
            finding = try hardwareFamily.withDriver(
                StackRun(device: hardware, region: region, sleeper: sleeper, plan: plan))
        } else {
            finding = try device.modelFamily().withDriver(
                StackRun(device: remote, region: region, sleeper: sleeper, plan: plan))
        }
        if let machine, machine.isGone {
            throw SessionError(
                "QEMU ended during the run (\(machine.lastWords)); run it again, and see the kernel's log if memory is short"
            )
        }
        var transfer = TransferResult()
        if let hardware, hardware.isGone {
            transfer.problems.append(
                "\(hardware.address) was taken away during the run: unplugged, bound to another driver, or failed; see the log of the kernel (dmesg)"
            )
        }
        transfer.seed = device.seed
        transfer.elapsedS = finding.elapsed.seconds
        transfer.sleeps = finding.sleeps
        transfer.require(!finding.isStuck, "nothing arrived for \(Int(patience.seconds)) s")
        if placement == .twoProcesses {
            transfer.stackMapsSlots = finding.audit.accessible
            transfer.require(finding.audit.accessible == 0, "the stack's process could reach slots")
            transfer.require(finding.audit.mappings > 0, "the stack's process could not read its own memory map")
        }
        if let machine, case .loopback(let options) = task {
            let found = PayloadSearch.wordsFound(in: machine.memory.readOnly, options: options)
            transfer.payloadWordsInHostMemory = found
            transfer.require(
                found == 0 || finding.report.delivery.linearBytes != 0,
                "\(found) words of payload were in host memory although every frame was split")
        }
        // A run that was to go on until it is told to end has done what was asked.
        let isDone = relay ? finding.echoed?.closed ?? 0 >= UInt64(connections) : finding.isDone
        if StopRequest.isMade && !isDone && frames?.limit != 0 { transfer.interrupt() }
        guard let bytes = control.socket.receiveBytes(), var answer = decodeJSON(DeviceReport.self, bytes) else {
            watch.end()
            throw SessionError("the device's side \(watch.ending) before it could report; run it again with --verbose")
        }
        if case .some(let faults) = faults, let hardware {
            let lines = faults.faults(of: hardware.address)
            answer.iommuFaults = UInt64(lines.count)
            if let first = lines.first { transfer.problems.append("the kernel says: \(first)") }
        }
        return Outcome(
            transfer: transfer, report: finding.report, final: finding.final, device: answer, echoed: finding.echoed)
    }
}

extension ReceiveResult {
    /// What a relay did: nobody saw the bytes, so that only they who sent them can say whether they are the same.
    fileprivate mutating func finish(_ echoed: EchoStatistics, _ expected: Int, _ report: EngineReport) {
        connections = Int(echoed.closed)
        relayedBytes = echoed.relayedBytes
        hostBytes = echoed.hostBytes
        framesCut = report.stack.framesToCut
        transfer.bytes = echoed.relayedBytes + echoed.hostBytes
        transfer.deviceBytes = echoed.relayedBytes
        transfer.linearBytes = echoed.hostBytes
        transfer.goodputGbps = transfer.elapsedS > 0 ? Double(transfer.bytes) * 8 / transfer.elapsedS / 1e9 : 0
        transfer.expect(connections >= expected, "stopped after \(connections) of \(expected) connections")
        transfer.expect(echoed.givenUp == 0, "\(echoed.givenUp) connections were given up")
        transfer.finish(report)
        transfer.ok = transfer.problems.isEmpty
    }
}
