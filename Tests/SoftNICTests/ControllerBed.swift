import DeviceMemory
import Glibc
import SoftNIC
import Timeline

@testable import VFIODriver

/// A controller with a cable in hand, whoever plays it: what a test of a whole driver needs.
protocol ControllerBed: AnyObject {
    associatedtype Device: PCIDevice
    var device: Device { get }
    /// A window whose read at offset 0 proves payload writes complete.
    var flushWindow: Device.BusType { get }
    /// Where payload goes.
    func withRegion<R: ~Copyable>(_ body: (borrowing DeviceRegion) throws -> R) rethrows -> R
    /// Waits for the device.
    func wait(_ interval: Interval)
    /// Puts a frame on the wire towards the device.
    func deliver(_ frame: [UInt8])
    /// Lets the device work until `condition` holds; false when it does not within so many rounds.
    func work(rounds: Int, until condition: () -> Bool) -> Bool
    /// The next frame that the device sent.
    func nextTransmitted() -> [UInt8]?
}

/// QEMU's controllers, where QEMU is installed.
final class QEMUBed: ControllerBed {
    static let searchPath = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    static let isThere = (try? QEMUInstallation(searchPath: searchPath)) != nil

    let device: QTestDevice
    private let region: DeviceRegion
    private let wire: OwnedDescriptor?

    init(_ family: NICFamily, slotSize: Int, slots: Int) throws {
        let region = try DeviceRegion(size: slotSize * slots, slotSize: slotSize, visibility: .flushRead)
        let machine = try QTestMachine(
            family, macAddress: [0x52, 0x54, 0, 0x12, 0x34, 0x56], region: region.object, searchPath: Self.searchPath)
        wire = machine.takeWire()
        device = try QTestDevice(machine, flushOffset: region.flushOffset)
        self.region = region
    }

    var flushWindow: QTestBus { device.flushWindow }
    func withRegion<R: ~Copyable>(_ body: (borrowing DeviceRegion) throws -> R) rethrows -> R { try body(region) }
    // QEMU's time is the machine's: link-up takes it half a second.
    func wait(_ interval: Interval) { usleep(UInt32(interval.nanoseconds / 1000)) }

    private var socket: Int32 {
        switch wire {
        case .some(let wire): wire.rawValue
        case .none: -1
        }
    }

    func deliver(_ frame: [UInt8]) {
        _ = unsafe frame.withUnsafeBytes { unsafe send(socket, $0.baseAddress, $0.count, 0) }
    }

    func work(rounds: Int, until condition: () -> Bool) -> Bool {
        // Each round is an answer of QEMU's, between which it serves its sockets.
        for _ in 0..<rounds {
            if condition() { return true }
            if device.readConfig32(PCIConfig.identity) == .max { return false }
        }
        return false
    }

    func nextTransmitted() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 16384)
        let count = unsafe buffer.withUnsafeMutableBytes {
            unsafe recv(socket, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
        }
        return count > 0 ? Array(buffer[..<count]) : nil
    }
}

/// The project's own models, whose time passes only when somebody waits.
final class SoftBed: ControllerBed {
    let nic: SoftNIC
    private let region: DeviceRegion
    private var now = Instant.zero

    init(_ configuration: SoftNICConfiguration, slotSize: Int, slots: Int) throws {
        nic = SoftNIC(configuration: configuration)
        region = try DeviceRegion(size: slotSize * slots, slotSize: slotSize, visibility: .flushRead)
    }

    var device: SoftPCIDevice { SoftPCIDevice(nic) }
    var flushWindow: SoftBus { device.flushWindow }
    func withRegion<R: ~Copyable>(_ body: (borrowing DeviceRegion) throws -> R) rethrows -> R { try body(region) }

    func wait(_ interval: Interval) {
        let end = now + interval
        while nic.nextDeadline <= end {
            now = max(now, nic.nextDeadline)
            nic.now = now
            if !nic.step(now: now) { break }
        }
        now = end
        nic.now = now
        _ = nic.step(now: now)
    }

    func deliver(_ frame: [UInt8]) { withView(frame) { _ = nic.receive($0) } }

    func work(rounds: Int, until condition: () -> Bool) -> Bool {
        // A round is a tenth of a microsecond; 20 ms are beyond every delay of a model that works.
        for _ in 0..<rounds {
            if condition() { return true }
            wait(.nanoseconds(100))
        }
        return false
    }

    func nextTransmitted() -> [UInt8]? {
        guard let frame = nic.nextTransmitted()?.array() else { return nil }
        nic.popTransmitted()
        return frame
    }
}
