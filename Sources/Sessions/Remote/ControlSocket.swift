internal import CShim
internal import DeviceMemory
internal import Glibc

/// The slow channel between the two sides: fixed requests, descriptors, and one report at the end.
struct ControlSocket: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    init(taking descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    var fileDescriptor: Int32 { descriptor.rawValue }

    /// The same socket under a descriptor of its own.
    func duplicate() throws(SessionError) -> ControlSocket {
        let fd = dup(descriptor.rawValue)
        guard fd >= 0 else {
            throw SessionError("cannot duplicate a descriptor: \(systemMessage(errno)); raise the limit of open files")
        }
        return ControlSocket(taking: OwnedDescriptor(taking: fd))
    }

    /// Two connected ends.
    static func makePair() throws(SessionError) -> (Int32, Int32) {
        var pair: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutablePointer(to: &pair) {
            unsafe $0.withMemoryRebound(to: Int32.self, capacity: 2) {
                unsafe socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, $0)
            }
        }
        guard result == 0 else {
            throw SessionError("cannot make a socket pair: \(systemMessage(errno)); raise the limit of open files")
        }
        return pair
    }

    /// What is asked of the device's side.
    enum Operation: UInt32 {
        case session = 1
        case region
        case cable
        case map
        case mapRegion
        case unmap
        case report
        case line
    }

    /// What a look at the socket shows.
    enum State {
        case quiet
        case waiting
        case closed
    }

    /// Whether a message waits or the other side has ended; takes nothing.
    var state: State {
        var byte: UInt8 = 0
        let n = unsafe recv(descriptor.rawValue, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if n > 0 { return .waiting }
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? .quiet : .closed
    }

    struct Message: BitwiseCopyable {
        var operation: UInt32
        var rights: UInt32 = 0
        var offset: UInt64 = 0
        var length: UInt64 = 0
        var iova: UInt64 = 0
        /// 0 is success, otherwise a ``DeviceMemoryError/statusCode``.
        var status: UInt64 = 0

        init(_ operation: Operation) { self.operation = operation.rawValue }
    }

    func send(_ message: Message, descriptor fd: Int32 = -1) -> Bool {
        unsafe withUnsafeBytes(of: message) {
            guard let base = $0.baseAddress else { return false }
            return unsafe shim_send_descriptor(descriptor.rawValue, base, $0.count, fd) == $0.count
        }
    }

    /// The next message with its descriptor, if one came; `nil` when the other side has ended or nothing waits.
    func receive(wait: Bool) -> (Message, Int32)? {
        var message = Message(.session)
        var fd: Int32 = -1
        let n = unsafe withUnsafeMutableBytes(of: &message) { buffer -> Int in
            guard let base = buffer.baseAddress else { return -1 }
            while true {
                let n = unsafe shim_receive_descriptor(
                    descriptor.rawValue, base, buffer.count, &fd, wait ? 0 : Int32(MSG_DONTWAIT))
                if n >= 0 || errno != EINTR { return n }
            }
        }
        guard n == MemoryLayout<Message>.size else {
            if fd >= 0 { close(fd) }
            return nil
        }
        return (message, fd)
    }

    /// A message that must bring a descriptor.
    func expect() throws(SessionError) -> (Message, Int32) {
        guard let (message, fd) = receive(wait: true), fd >= 0 else {
            throw SessionError("the stack's side ended before it handed its memory over; run the command itself")
        }
        return (message, fd)
    }

    /// Sends a report that says only why there is none.
    func sendFailure(_ error: SessionError) {
        var report = DeviceReport()
        report.failure = error.description
        if let bytes = encodeJSON(report) { sendBytes(bytes) }
    }

    /// Sends bytes of any length, in pieces.
    func sendBytes(_ bytes: [UInt8]) {
        var header = Message(.report)
        header.length = UInt64(bytes.count)
        guard send(header) else { return }
        var done = 0
        while done < bytes.count {
            let n = min(bytes.count - done, 32 << 10)
            let sent = unsafe bytes[done..<(done + n)].withUnsafeBytes {
                unsafe Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if sent <= 0 { return }
            done += sent
        }
    }

    /// Takes what ``sendBytes(_:)`` sent; `nil` when the other side has ended.
    func receiveBytes() -> [UInt8]? {
        guard let (header, _) = receive(wait: true), header.operation == Operation.report.rawValue,
            header.length < 64 << 20
        else { return nil }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 32 << 10)
        while bytes.count < Int(header.length) {
            let n = unsafe piece.withUnsafeMutableBytes {
                unsafe recv(descriptor.rawValue, $0.baseAddress, $0.count, 0)
            }
            if n <= 0 { return nil }
            bytes += piece[0..<n]
        }
        return bytes
    }
}

extension DeviceMemoryError {
    /// An error as it travels: an errno, or this for a lack of address space.
    static let noSpaceCode: UInt64 = 1 << 32

    /// The number that stands for this error in an answer; never 0.
    var statusCode: UInt64 {
        switch self {
        case .cannotMap(_, _, let code), .cannotCreate(_, _, let code), .cannotSeal(_, let code):
            code > 0 ? UInt64(code) : Self.noSpaceCode
        default: Self.noSpaceCode
        }
    }

    /// The error behind an answer's status.
    static func from(statusCode: UInt64, bytes: Int) -> DeviceMemoryError {
        statusCode >= noSpaceCode
            ? .outOfIOVASpace(bytes: bytes)
            : .cannotMap(name: "memory for the device", bytes: bytes, errno: Int32(truncatingIfNeeded: statusCode))
    }
}
