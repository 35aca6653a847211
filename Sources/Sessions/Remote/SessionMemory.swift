internal import ClientKit
internal import DeviceMemory
internal import Engine
internal import Glibc

/// What both sides of a run share besides the device region and the rings: the mailbox, the application channel, and a few
/// words to start and stop each other by.
///
/// A reference, because the two sides of a run in one process, and whoever watches, share it; never touched on the path.
final class SessionMemory: @unchecked Sendable {
    let object: MemoryObject
    private let view: MappedView

    private static let control = 4096
    private static let mailbox = control
    private static let channel = (mailbox + RegisterMailbox.bytes + 4095) & ~4095
    static let size = channel + ApplicationChannel.bytes

    convenience init() throws(DeviceMemoryError) {
        try self.init(object: MemoryObject(name: "session", size: SessionMemory.size))
    }

    init(object: consuming MemoryObject) throws(DeviceMemoryError) {
        let view = try object.view(rights: .readWrite)
        self.view = view
        self.object = object
    }

    /// A descriptor of the same memory for somebody else to own; `nil` when the process has too many open.
    func duplicate() -> Int32? {
        let fd = dup(object.fileDescriptor)
        return fd >= 0 ? fd : nil
    }

    var mailboxBytes: MutableByteView { view.bytes.slice(Self.mailbox, RegisterMailbox.bytes) }
    var channelBytes: MutableByteView { view.bytes.slice(Self.channel, ApplicationChannel.bytes) }
    /// Set by the device's side when the consumer has seen everything.
    var done: SharedWord { SharedWord(view.bytes, at: 0) }
    /// Set by the stack's side once its queues run: the wire is plugged in then, so that nothing is lost before.
    var plugged: SharedWord { SharedWord(view.bytes, at: 320) }
    /// Set by the stack's side to end the run.
    var stop: SharedWord { SharedWord(view.bytes, at: 64) }
    /// Set by the device's side once it serves its mailbox; 2 when it failed to start.
    var ready: SharedWord { SharedWord(view.bytes, at: 128) }
    /// Payload bytes that the consumer has seen.
    var progress: SharedWord64 { SharedWord64(view.bytes, at: 192) }
    /// Set by the stack's side when the control socket holds a request.
    var attention: SharedWord { SharedWord(view.bytes, at: 256) }
}
