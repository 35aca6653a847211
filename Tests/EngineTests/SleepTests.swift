import ClientKit
import CShim
import DeviceMemory
import Foundation
import Glibc
import Logging
import Packets
import SoftNIC
import Synchronization
import TCPLite
import Testing
import Timeline
import VFIODriver

@testable import Engine

/// The NIC model as a device whose vectors are never looked at: what wakes is the application.
private struct SilentDevice: PCIDevice {
    let device: SoftPCIDevice

    func bar(_ index: Int) -> SoftBus? { device.bar(index) }
    func readConfig32(_ offset: Int) -> UInt32 { device.readConfig32(offset) }
    func writeConfig32(_ offset: Int, _ value: UInt32) { device.writeConfig32(offset, value) }
    func reset() { device.reset() }
    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        try device.map(object, offset: offset, length: length, rights: rights)
    }
    func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        try device.mapRegion(region)
    }
    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) { try device.unmap(iova, length: length) }
    func enableInterrupts(vectors: Int) throws(DeviceMemoryError) {}
}

private func isRung(_ line: borrowing WakeupLine) -> Bool {
    var entry = pollfd(fd: line.fileDescriptor, events: Int16(POLLIN), revents: 0)
    return unsafe shim_poll(&entry, 1, 0) == 1
}

@Suite struct SleepTests {
    /// A connection whose window is shut because its application holds every token; everything has settled.
    private struct Shut: ~Copyable {
        let nic: SoftNIC
        let memory: HeapBytes
        var engine: Engine<I82576Driver<SilentDevice>>
        var client: ApplicationClient
        var sender: Sender
        var tokens: [UInt64]
        let line: WakeupLine
        let region: DeviceRegion

        static func make() throws -> Shut {
            let nic = SoftNIC(configuration: SoftNICConfiguration(preset: .strict, macAddress: [2, 0, 0, 0, 0, 1]))
            let region = try DeviceRegion(size: 2 << 20, slotSize: 4096, visibility: .flushRead)
            let device = SoftPCIDevice(nic)
            let memory = HeapBytes(count: ApplicationChannel.bytes)
            let channel = ApplicationChannel(memory.bytes)
            var stack = Configuration(
                interface: InterfaceConfiguration(
                    mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24))
            stack.slotBudget = 64
            stack.slotsPerFlow = 32
            var configuration = EngineConfiguration(stack: stack)
            configuration.device.splitQueues = 1
            configuration.device.receiveDescriptors = 64
            var engine = try Engine<I82576Driver<SilentDevice>>(
                device: SilentDevice(device: device), configuration: configuration, region: region,
                flushWindow: device.flushWindow, channel: channel,
                log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            ) { _ = nic.step(now: nic.now + $0) }
            try engine.stack.listen(port: 5001)
            try engine.enableInterrupts()
            let line = try WakeupLine()
            let other = try line.duplicate()
            let sender = try Sender(to: IPv4Address(10, 0, 0, 1), 5001, now: nic.now)
            var shut = Shut(
                nic: nic, memory: memory, engine: engine, client: ApplicationClient(channel, wakeup: other),
                sender: sender, tokens: [], line: line, region: region)
            shut.settle()
            return shut
        }

        /// Sends until nothing moves any more: the window is shut.
        private mutating func settle() {
            let message = HeapBytes(count: 8192)
            message.bytes.fill(0x5A)
            var quiet = 0
            for _ in 0..<50_000 where quiet < 50 {
                let now = nic.now + .microseconds(10)
                _ = sender.stack.send(sender.connection, message.bytes.readOnly)
                sender.poll(nic, now: now)
                _ = nic.step(now: now)
                let worked = engine.poll(now: now)
                var count = 0
                while let record = client.next() {
                    if record.kind == .device { tokens.append(record.token) }
                    count += 1
                }
                client.flush()
                quiet = worked || count != 0 ? 0 : quiet + 1
            }
            line.take()
        }

        mutating func giveEverythingBack() {
            for token in tokens { _ = client.giveBack(token) }
            client.flush()
        }

        /// Polls the engine once and returns how many frames its device then sends.
        mutating func framesAfterPoll() -> Int {
            _ = engine.poll(now: nic.now)
            _ = nic.step(now: nic.now + .microseconds(10))
            var frames = 0
            while nic.nextTransmitted() != nil {
                nic.popTransmitted()
                frames += 1
            }
            return frames
        }
    }

    @Test("tokens given back before the engine arms keep it awake")
    func returnBeforeArming() throws {
        var shut = try Shut.make()
        let held = shut.tokens.count
        shut.giveEverythingBack()
        let rung = isRung(shut.line)
        let slept = shut.engine.fallAsleep(now: shut.nic.now)
        #expect(held >= 16 && !rung && !slept)
        shut.engine.shutDown { _ = shut.nic.step(now: shut.nic.now + $0) }
    }

    @Test("tokens given back between arming and the last look ring, and the look sees them")
    func returnWhileFallingAsleep() throws {
        var shut = try Shut.make()
        shut.engine.ports[0].gate.arm()
        shut.giveEverythingBack()
        let rung = isRung(shut.line)
        let slept = shut.engine.fallAsleep(now: shut.nic.now)
        #expect(rung && !slept)
        shut.engine.shutDown { _ = shut.nic.step(now: shut.nic.now + $0) }
    }

    @Test("tokens given back at a shut window wake a sleeping engine, which opens the window without being probed")
    func returnDuringSleep() throws {
        var shut = try Shut.make()
        let slept = shut.engine.fallAsleep(now: shut.nic.now)
        let before = isRung(shut.line)
        shut.giveEverythingBack()
        let rung = isRung(shut.line)
        shut.engine.wakeUp()
        let frames = shut.framesAfterPoll()
        #expect(slept && !before && rung && frames >= 1)
        // Awake, nobody needs to ring.
        shut.line.take()
        shut.client.flush()
        _ = shut.client.ask(.shutdown, on: 0)
        shut.client.flush()
        let again = isRung(shut.line)
        #expect(!again)
        shut.engine.shutDown { _ = shut.nic.step(now: shut.nic.now + $0) }
    }

    private final class Shared: Sendable {
        let work = Atomic<UInt32>(0)
        let line: WakeupLine
        init(_ line: consuming WakeupLine) { self.line = line }
    }

    @Test("no publication is lost between two threads over a hundred thousand sleeps")
    func noLostWakeup() throws {
        let memory = HeapBytes(count: WakeupGate.bytes)
        let gate = WakeupGate(memory.bytes)
        let line = try WakeupLine()
        let shared = Shared(try line.duplicate())
        let rounds: UInt32 = 100_000
        let thread = Thread {
            for _ in 0..<rounds {
                shared.work.wrappingAdd(1, ordering: .relaxed)
                if gate.publish() { shared.line.ring() }
                // The sleeper takes each before the next, so that it falls asleep as often as there are rounds.
                while shared.work.load(ordering: .acquiring) != 0 {}
            }
        }
        thread.start()
        var taken: UInt32 = 0
        var lost = 0
        while taken < rounds && lost == 0 {
            gate.arm()
            _ = gate.publications
            if shared.work.load(ordering: .relaxed) == 0 {
                var entry = pollfd(fd: line.fileDescriptor, events: Int16(POLLIN), revents: 0)
                if unsafe shim_poll(&entry, 1, 10_000_000_000) == 0 { lost += 1 }
            }
            gate.disarm()
            line.take()
            if shared.work.load(ordering: .relaxed) != 0 {
                taken += 1
                shared.work.store(0, ordering: .releasing)
            }
        }
        if lost != 0 { shared.work.store(0, ordering: .releasing) }
        #expect(lost == 0 && taken == rounds)
        extendLifetime(memory)
    }
}
