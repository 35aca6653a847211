public import DeviceMemory
public import PagePool
internal import VFIODriver

/// What the slots of a binding are made of, as far as the stack is concerned.
public enum BindingMemory: Sendable, Hashable {
    /// Memory of a device: no processor of the stack's has a mapping of it.
    case device
    /// Registered memory of the host. `readable: false` is memory that the processor must not read although it could.
    case host(readable: Bool)
}

/// How flows find the queues of a binding.
public enum BindingSteering: Sendable, Hashable {
    /// RSS spreads every TCP flow over the queues of all such bindings: the stack serves one application.
    case spread
    /// Only what a rule names comes here, see ``Engine/addRule(_:binding:)``; RSS leaves these queues out.
    case rules
}

/// What to bind: a region to receive queues, on behalf of an application.
public struct BindingRequest: Sendable, Hashable {
    /// Receive queues that are to fill the region: 1 to the number of split queues.
    public var queues: [Int]
    /// Whose payload it will be: the port that its records and tokens pass.
    public var owner = 0
    /// What the slots are made of.
    public var memory = BindingMemory.device
    /// How flows find the queues.
    public var steering = BindingSteering.spread
    /// Slots that the binding may have in use; `nil` is all of them.
    public var slotLimit: Int?

    /// Binds to `queues`.
    public init(queues: [Int]) { self.queues = queues }
}

/// Why a region is not bound: checked before anything is changed, or undone.
public enum BindingError: Error, CustomStringConvertible, Equatable {
    case noQueues
    case noSuchQueue(queue: Int, limit: Int)
    case queueTaken(queue: Int, binding: UInt16)
    case queueNamedTwice(queue: Int)
    case noSuchOwner(owner: Int)
    case ownerTaken(owner: Int)
    case splitIsOff
    case thresholdNotZero(bytes: Int)
    case noChecksumVerdicts
    case noSteering
    case slotSize(bytes: Int, why: String)
    case slotSmallerThanFrame(slotSize: Int, frame: Int)
    case tooFewSlots(slots: Int, needed: Int)
    case tooManyRegions(limit: Int)
    case tooManyDraining(owner: Int, limit: Int)
    case noSuchBinding(UInt16)
    case deviceGone
    case locked(knob: String, binding: UInt16)
    case tooManyRules(limit: Int)
    case injected(step: String)
    case noSending
    case memory(DeviceMemoryError)
    case driver(String)

    public var description: String {
        switch self {
        case .noQueues: "a binding needs a queue; name one or several of the split queues"
        case .noSuchQueue(let queue, let limit):
            "there is no split queue \(queue); choose from 1 to \(limit), or give the engine more split queues"
        case .queueTaken(let queue, let binding):
            "queue \(queue) belongs to binding \(binding); unbind that first, or change its region"
        case .queueNamedTwice(let queue): "queue \(queue) is named twice; name each queue once"
        case .noSuchOwner(let owner): "nobody is at port \(owner); open the port before binding for it"
        case .ownerTaken(let owner): "somebody is at port \(owner); close the port first"
        case .splitIsOff: "header split is switched off; switch it on, so that headers stay in host memory"
        case .thresholdNotZero(let bytes):
            "payload below \(bytes) bytes would stay in host memory; set the split threshold to 0"
        case .noChecksumVerdicts:
            "the device gives no verdicts on checksums, and nobody else can check payload in a region; switch them on, or use another device"
        case .noSteering:
            "the device has no rules that pin a flow to a queue; bind one application alone, spread by RSS"
        case .slotSize(let bytes, let why): "slots of \(bytes) bytes cannot be used: \(why)"
        case .slotSmallerThanFrame(let slotSize, let frame):
            "slots of \(slotSize) bytes cannot hold an unsplit frame of \(frame); choose larger slots or a smaller MTU"
        case .tooFewSlots(let slots, let needed):
            "the region has \(slots) slots and its queues post \(needed); enlarge it, or shorten the rings"
        case .tooManyRegions(let limit):
            "\(limit) regions are in use, which is the limit; unbind one and return its tokens"
        case .tooManyDraining(let owner, let limit):
            "\(limit) regions of application \(owner) wait for their last tokens; return those before binding again"
        case .noSuchBinding(let binding): "there is no binding \(binding)"
        case .deviceGone: "the device no longer answers; see the log of the kernel, and bring it up again"
        case .locked(let knob, let binding):
            "\(knob) cannot be changed while binding \(binding) relies on it; unbind first"
        case .tooManyRules(let limit): "the device's \(limit) steering rules are in use; remove one"
        case .injected(let step): "\(step) was made to fail by the test that asked for it"
        case .noSending: "the stack keeps no books of sends from regions; set placedSends in its configuration"
        case .memory(let error): error.description
        case .driver(let sentence): sentence
        }
    }
}

extension BindingError {
    /// What the driver has against a queue or its slots, in the binding's own words where it has some.
    init(_ error: DriverError, slotSize: Int) {
        self =
            switch error {
            case .checksumsOff: .noChecksumVerdicts
            case .configurationLost, .deviceGone: .deviceGone
            case .mtuOverSlot(let mtu, let slotSize): .slotSmallerThanFrame(slotSize: slotSize, frame: mtu + 22)
            case .slotNotWholeKiB, .slotUnderBuffer: .slotSize(bytes: slotSize, why: error.description)
            default: .driver(error.description)
            }
    }
}

/// Where a binding stands.
public enum BindingState: Sendable, Hashable {
    /// Its queues fill the region.
    case active
    /// Nothing new arrives; it waits for the last tokens.
    case draining
}

/// What is known of a binding, or of a region that waits for its tokens.
public struct BindingStatus: Sendable, Hashable {
    /// Its number, which is its region's number in records too.
    public var number: UInt16
    /// Whose payload it holds.
    public var owner: Int
    /// Queues that fill it; none while draining.
    public var queues: [Int]
    /// Where it stands.
    public var state: BindingState
    /// Slots by holder.
    public var ledger: Ledger
    /// How long it has existed, in nanoseconds.
    public var age: UInt64
}
