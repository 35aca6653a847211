internal import CShim
internal import ClientKit
internal import DeviceMemory
internal import Glibc
internal import TCPLite
internal import VFIODriver

/// One client as the controller has it. Its place is its owner number at the engine.
struct ClientPlace: ~Copyable {
    /// `nil`: nobody is here.
    var link: ControlLink?
    /// The greeting has been exchanged.
    var isGreeted = false
    /// Memory of the channel, once it is attached.
    var channel: ChannelMemory?
    /// Its present binding; 0 is none.
    var binding: UInt16 = 0
    /// Slots that its connections may be promised.
    var slots = 0
    /// Bindings of regions that it knows of, until their last token is back.
    var regions: [UInt16] = []
    /// Ports that it listens on, with the rules that bring them here.
    var ports: [UInt16: SteeringRule?] = [:]
    /// Rules for connections that it opened.
    var rules: [(connection: ConnectionID, rule: SteeringRule)] = []
    /// Process that connected, for messages.
    var process: pid_t = 0

    static var vacant: ClientPlace { ClientPlace() }
}

/// Shared memory of one channel, and this side's mapping of it.
struct ChannelMemory: ~Copyable {
    let object: MemoryObject
    let view: MappedView

    init(bytes: Int) throws(DeviceMemoryError) {
        let object = try MemoryObject(name: "client channel", size: bytes)
        view = try object.view(rights: .readWrite)
        self.object = object
    }
}
