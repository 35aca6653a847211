internal import DeviceMemory
internal import Packets
internal import SoftNIC
internal import Timeline
internal import VFIODriver

/// One end of a cable between two ports that test each other.
protocol TestCableEnd: AnyObject {
    /// Puts everything that the port has sent into `other`.
    func pass(to other: any TestCableEnd)
    /// A frame arrives. As on a cable, what the port cannot take is lost.
    func take(_ frame: ByteView)
}

/// A cable between two ports of this program.
struct TestCable {
    let first: any TestCableEnd
    let second: any TestCableEnd

    /// Moves what the ports have sent since the last time.
    func pass() {
        first.pass(to: second)
        second.pass(to: first)
    }
}

extension SoftNIC: TestCableEnd {
    func pass(to other: any TestCableEnd) {
        while let frame = nextTransmitted() {
            other.take(frame)
            popTransmitted()
        }
    }

    func take(_ frame: ByteView) { _ = receive(frame) }
}

/// The end of a cable whose port is QEMU's.
final class MachineCableEnd: TestCableEnd {
    private var port: CablePort

    init(_ machine: QTestMachine, frameCapacity: Int) throws(SessionError) {
        guard let wire = machine.takeWire() else { throw SessionError("QEMU's cable is in use; run it again") }
        port = try CablePort(taking: wire, frameCapacity: frameCapacity)
    }

    /// A socket without anybody behind passes nothing, which the test's checks show.
    func pass(to other: any TestCableEnd) {
        _ = port.step(now: .zero)
        while let frame = port.nextTransmitted() {
            other.take(frame)
            port.popTransmitted()
        }
    }

    func take(_ frame: ByteView) {
        _ = port.receive(frame, mark: .none)
        _ = port.step(now: .zero)
    }
}
