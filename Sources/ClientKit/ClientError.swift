public import DeviceMemory

/// What can go wrong on the control paths of an application; each case says what to do about it.
public enum ClientError: Error, CustomStringConvertible, Equatable {
    case cannotSleep(errno: Int32)
    case cannotReach(path: String, errno: Int32)
    case controllerGone
    case refused(ControlStatus)
    case protocolVersion(theirs: UInt32, ours: UInt32)
    case badDescriptor(what: String, why: String)
    case badMessage(what: String)
    case memory(DeviceMemoryError)

    public var description: String {
        switch self {
        case .cannotSleep(let code):
            "cannot make a line to wake a sleeper with: \(systemMessage(code)); raise the limit of open files"
        case .cannotReach(let path, let code):
            "cannot reach a controller at \(path): \(systemMessage(code)); start one with uiodrv serve --socket \(path)"
        case .controllerGone:
            "the controller has ended; what it lent is void, connect again when it is back"
        case .refused(let status): status.description
        case .protocolVersion(let theirs, let ours):
            "the controller speaks version \(theirs) and this library version \(ours); use the two of one build"
        case .badDescriptor(let what, let why): "the descriptor of \(what) cannot be used: \(why)"
        case .badMessage(let what): "the controller sent \(what) that makes no sense; use the two of one build"
        case .memory(let error): error.description
        }
    }
}
