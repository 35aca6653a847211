public import Packets

/// What can go wrong on the control paths of this module; each case says what to do about it.
public enum TCPError: Error, CustomStringConvertible, Equatable {
    case portInUse(UInt16)
    case invalidPort
    case unreachable(InternetAddress)
    case invalidAddress(InternetAddress)
    case tooManyConnections(limit: Int)
    case noSlots(needed: Int, free: Int)
    case noEphemeralPort
    case unknownOwner(Int)
    case ownerInUse(Int)
    case tooManyListeners(limit: Int)
    case noChecksumOffload
    case noPlacedSends
    case notSending
    case notForSending(UInt16)
    case notHeld(slot: UInt32)
    case outsideRegion(offset: UInt64, length: Int, size: UInt64)
    case tooManyRanges(limit: Int)
    case sendQueueFull

    public var description: String {
        switch self {
        case .portInUse(let port):
            "port \(port) is in use; choose another, or close what uses it"
        case .invalidPort:
            "port 0 cannot be used; choose a port from 1 to 65535"
        case .unreachable(let address):
            "\(address) is not on the interface's network and there is no gateway of its family; configure an address and a gateway of it"
        case .invalidAddress(let address):
            "\(address) cannot be connected to; give the unicast address of another host"
        case .tooManyConnections(let limit):
            "all \(limit) connections are in use; raise maxConnections or close some"
        case .noSlots(let needed, let free):
            "\(needed) slots are asked for and \(free) are left; ask for fewer, lower another owner's limit or enlarge the region"
        case .noEphemeralPort:
            "every local port towards this peer is in use; close connections or connect to another port"
        case .unknownOwner(let owner):
            "there is no owner \(owner); register it, or raise owners in the configuration"
        case .ownerInUse(let owner):
            "owner \(owner) is registered already; remove it first, or take another number"
        case .tooManyListeners(let limit):
            "all \(limit) places for listening are taken; raise listeners or stop listening on a port"
        case .noChecksumOffload:
            "the device computes no checksums, and no processor may read these bytes; send from host memory, or use another device"
        case .noPlacedSends:
            "the stack keeps no books of sends from regions; set placedSends in its configuration"
        case .notSending:
            "the connection is gone or shut down; open another"
        case .notForSending(let region):
            "region \(region) is not bound for sending on this device; bind it for that"
        case .notHeld(let slot):
            "slot \(slot) is not the application's, or in too many transmissions; send what you hold, and wait for completions"
        case .outsideRegion(let offset, let length, let size):
            "\(length) bytes at \(offset) are not within the region's \(size)"
        case .tooManyRanges(let limit):
            "more than \(limit) ranges in one send; send them in several"
        case .sendQueueFull:
            "too much is under way; send again after completions"
        }
    }
}
