internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Timeline

/// A device whose model runs in another thread or process: registers through the mailbox, memory by descriptor.
struct RemoteDevice: RunDevice {
    typealias BusType = MailboxBus

    private let registers: MailboxBus
    private let configuration: MailboxBus
    private let resetLine: MailboxBus
    private let flushPage: MailboxBus
    private let vectors: MailboxBus
    private let control: ControlChannel
    /// Rung by the model's side for a vector.
    private let line: RingingLine

    init(mailbox: MutableByteView, control: ControlChannel, line: consuming WakeupLine) {
        registers = MailboxBus(mailbox, window: .registers)
        configuration = MailboxBus(mailbox, window: .configuration)
        resetLine = MailboxBus(mailbox, window: .reset)
        flushPage = MailboxBus(mailbox, window: .flushPage)
        vectors = MailboxBus(mailbox, window: .interrupts)
        self.control = control
        self.line = RingingLine(line)
    }

    var isGone: Bool { registers.isGone }

    func flushWindow(_ region: borrowing DeviceRegion) -> MailboxBus { flushPage }

    func wait(_ interval: Interval) {
        registers.drain()
        let end = monotonicNow() + interval
        while monotonicNow() < end { pauseBriefly() }
    }

    func readConfig32(_ offset: Int) -> UInt32 { configuration.read32(UInt32(offset)) }
    func writeConfig32(_ offset: Int, _ value: UInt32) { configuration.write32(UInt32(offset), value) }
    func bar(_ index: Int) -> MailboxBus? { index == 0 ? registers : nil }
    func reset() { resetLine.write32(0, 0) }

    func enableInterrupts(vectors count: Int) throws(DeviceMemoryError) {
        guard count > 0, vectors.read32(UInt32(truncatingIfNeeded: count)) == UInt32(truncatingIfNeeded: count) else {
            throw .noInterrupts(vectors: count)
        }
    }

    var interruptDescriptors: [Int32] { [line.line.fileDescriptor] }

    /// Which vector it was does not travel: whoever sleeps looks at everything.
    func takeInterrupts() -> UInt64 { line.line.take() ? 1 : 0 }

    func map(
        _ object: borrowing MemoryObject, offset: Int, length: Int, rights: AccessRights
    ) throws(DeviceMemoryError) -> IOVA {
        var message = ControlSocket.Message(.map)
        message.offset = UInt64(offset)
        message.length = UInt64(length)
        message.rights = UInt32(rights.rawValue)
        return try ask(message, descriptor: object.fileDescriptor)
    }

    func mapRegion(_ region: borrowing DeviceRegion) throws(DeviceMemoryError) -> IOVA {
        var message = ControlSocket.Message(.mapRegion)
        message.length = UInt64(region.slotBytes)
        message.rights = UInt32(AccessRights.readWrite.rawValue)
        return try ask(message, descriptor: region.object.fileDescriptor)
    }

    func unmap(_ iova: IOVA, length: Int) throws(DeviceMemoryError) {
        var message = ControlSocket.Message(.unmap)
        message.iova = iova.rawValue
        message.length = UInt64(length)
        _ = try ask(message, descriptor: -1)
    }

    private func ask(_ message: ControlSocket.Message, descriptor: Int32) throws(DeviceMemoryError) -> IOVA {
        guard let answer = control.exchange(message, descriptor: descriptor) else { throw .deviceGone }
        guard answer.status == 0 else { throw .from(statusCode: answer.status, bytes: Int(message.length)) }
        return IOVA(answer.iova)
    }
}

/// A line with many users: copies of one device share it.
private final class RingingLine: Sendable {
    let line: WakeupLine
    init(_ line: consuming WakeupLine) { self.line = line }
}

/// The stack's end of the control socket; one thread uses it.
final class ControlChannel {
    let socket: ControlSocket
    private let attention: SharedWord

    init(socket: consuming ControlSocket, attention: SharedWord) {
        self.socket = socket
        self.attention = attention
    }

    /// What the other side has to say when it did not become ready.
    func failure() -> SessionError? {
        guard let bytes = socket.receiveBytes(), let report = decodeJSON(DeviceReport.self, bytes),
            let text = report.failure
        else { return nil }
        return SessionError(text)
    }

    /// Asks, and waits for the answer; `nil` when the other side has ended.
    func exchange(_ message: ControlSocket.Message, descriptor: Int32) -> ControlSocket.Message? {
        guard socket.send(message, descriptor: descriptor) else { return nil }
        attention.storeReleasing(attention.loadRelaxed() &+ 1)
        return socket.receive(wait: true)?.0
    }
}
