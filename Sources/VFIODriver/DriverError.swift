public import DeviceMemory
public import HeaderSplit
public import PagePool

/// What can go wrong when a device is brought up or stopped; each case says what to do.
public enum DriverError: Error, CustomStringConvertible, Equatable {
    case wrongDevice(identity: UInt32)
    case noRegisters
    case deviceGone(during: String)
    case mastersStillBusy
    case semaphoreHeld(name: String)
    case phyNotResponding(register: UInt8)
    case linkDown(waitedMilliseconds: UInt64)
    case flowDirectorSilent
    case noSuchQueue(queue: Int, limit: Int)
    case tooManyRules(limit: Int)
    case noFilters(controller: String)
    case filterNotKept(filter: Int)
    case hostQueue
    case noQueueStop(controller: String)
    case queueNotArmed(queue: Int)
    case splitNotKept(queue: Int)
    case slotNotWholeKiB(slotSize: Int)
    case checksumsOff
    case busMasterOff
    case configurationLost
    case partMissing(name: String, consequence: String)
    case nvmNotRead
    case nvmDamaged(sum: UInt16)
    case invalidAddress(bytes: [UInt8])
    case queueDidNotEnable(queue: Int)
    case queueDidNotStop(queue: Int)
    case tooManyQueues(asked: Int, limit: Int)
    case mtuOverSlot(mtu: Int, slotSize: Int)
    case mtuOutOfRange(mtu: Int, limit: Int)
    case slotUnderBuffer(slotSize: Int, needed: Int)
    case ringTooLong(descriptors: Int, limit: Int)
    case qemuNotInstalled(program: String)
    case qemuHasNone(family: NICFamily)
    case qemuTooOld(path: String, version: String)
    case qemuCannotStart(path: String, errno: Int32)
    case qemuDied(during: String, words: String)
    case qemuSilent(during: String)
    case nvmUnknown(family: NICFamily)
    case noSuchRegister(name: String)
    case ambiguousRegister(name: String, count: Int)
    case registerReadOnly(name: String)
    case badAssignment(text: String)
    case noPHYAccess
    case badReport(line: Int, why: String)
    case memory(DeviceMemoryError)
    case split(HeaderSplitError)
    case pool(PagePoolError)
    case vfio(VFIOError)

    public var description: String {
        switch self {
        case .wrongDevice(let identity):
            "the device is \(String(identity & 0xFFFF, radix: 16)):\(String(identity >> 16, radix: 16)), which this driver is not for; name another device or family"
        case .noRegisters:
            "the device has no register window in BAR 0; check that it is enabled and assigned to this process"
        case .deviceGone(let step):
            "the device stopped answering during \(step) (registers read all ones); check its slot, link and power state"
        case .mastersStillBusy:
            "the device did not finish its bus transactions within 80 ms; reset its slot before trying again"
        case .semaphoreHeld(let name):
            "firmware does not release \(name); power-cycle the adapter"
        case .phyNotResponding(let register):
            "the PHY does not answer on register \(register); power-cycle the adapter"
        case .linkDown(let waited):
            "no link after \(waited) ms; check the cable and the other end"
        case .flowDirectorSilent:
            "the flow director did not carry out a command within 10 ms; reset the device"
        case .noSuchQueue(let queue, let limit):
            "there is no queue \(queue); choose from 0 to \(limit)"
        case .tooManyRules(let limit):
            "the device holds \(limit) flow rules at most; remove some, or name rules by smaller numbers"
        case .noFilters(let controller):
            "the \(controller) has no filter that sends a port to a queue; choose queues by the spread, or another device"
        case .filterNotKept(let filter):
            "the device does not keep filter \(filter), as QEMU's does not; choose queues by the spread, or another device"
        case .hostQueue:
            "queue 0 takes whole frames in host memory and cannot be bound to a region; name a queue from 1 on"
        case .noQueueStop(let controller):
            "the \(controller) cannot stop one queue; shut the whole device down and bring it up again"
        case .queueNotArmed(let queue):
            "queue \(queue) has descriptors that were used; arm it again before it is started"
        case .splitNotKept(let queue):
            "queue \(queue) does not keep header split, without which headers would land in the region; use another device"
        case .slotNotWholeKiB(let slotSize):
            "a slot of \(slotSize) bytes is no multiple of 1024, which the device counts in; choose another --slot-size"
        case .checksumsOff:
            "the device does not verify checksums, and payload in a region cannot be verified otherwise; bring it up again"
        case .busMasterOff:
            "the device may not write to memory: bus mastering is off; bring it up again"
        case .configurationLost:
            "the device has lost its configuration: somebody reset it; bring it up again and start its queues"
        case .partMissing(let name, let consequence):
            "\(name) is missing: \(consequence); use another device (uiodrv probe says what this one has)"
        case .nvmNotRead:
            "the adapter did not finish reading its NVM after the reset; power-cycle it, its NVM may be damaged"
        case .nvmDamaged(let sum):
            "the words of the adapter's NVM add up to 0x\(String(sum, radix: 16)) and not to 0xbaba; its NVM is damaged"
        case .invalidAddress(let bytes):
            "the adapter's MAC address \(bytes.map { String($0, radix: 16) }.joined(separator: ":")) is no unicast address; its NVM is damaged"
        case .queueDidNotEnable(let queue):
            "queue \(queue) did not report itself enabled within 10 ms; reset the device"
        case .queueDidNotStop(let queue):
            "queue \(queue) did not report itself stopped within 20 ms; reset the device before freeing its memory"
        case .tooManyQueues(let asked, let limit):
            "\(asked) split queues were asked for and the device has \(limit); ask for fewer"
        case .mtuOverSlot(let mtu, let slotSize):
            "a frame of MTU \(mtu) does not fit a slot of \(slotSize) bytes; lower --mtu or raise --slot-size"
        case .mtuOutOfRange(let mtu, let limit):
            "an MTU of \(mtu) is out of range (68 to \(limit)); choose another --mtu"
        case .slotUnderBuffer(let slotSize, let needed):
            "the device fills buffers of \(needed) bytes at this MTU and a slot has \(slotSize); raise --slot-size, or lower --mtu to 1500 when it is above"
        case .ringTooLong(let descriptors, let limit):
            "rings of \(descriptors) descriptors were asked for and the device takes at most \(limit); lower --descriptors"
        case .qemuNotInstalled(let program):
            "\(program) is not in PATH; install the package qemu-system-x86, on Debian 12 from the bookworm-backports suite"
        case .qemuHasNone(let family):
            "QEMU has no model of \(family.rawValue); use qemu:igb, qemu:e1000e or softnic:\(family.rawValue)"
        case .qemuTooOld(let path, let version):
            "\(path) is version \(version) and 10.0 or newer is needed; install qemu-system-x86, on Debian 12 from the bookworm-backports suite"
        case .qemuCannotStart(let path, let code):
            "cannot start \(path): \(systemMessage(code)); check that it can be run and the limits of processes and open files"
        case .qemuDied(let step, let words):
            "QEMU ended during \(step): \(words.isEmpty ? "it said nothing" : words); run it by hand to see why"
        case .qemuSilent(let step):
            "QEMU did not answer during \(step); the machine may be overloaded, try again"
        case .nvmUnknown(let family):
            "the NVM of \(family.rawValue) has a layout that this program does not know; name an igb or e1000e"
        case .noSuchRegister(let name):
            "there is no register \(name) in this family; uiodrv regs without a name lists them all"
        case .ambiguousRegister(let name, let count):
            "\(name) is \(count) registers; name one of them with its index, as in \(name)[0]"
        case .registerReadOnly(let name):
            "\(name) drops what is written to it; choose a register that can be written"
        case .badAssignment(let text):
            "\(text) is no assignment; write it as NAME=VALUE with a decimal or 0x hexadecimal number of 32 bits"
        case .noPHYAccess:
            "this family has no PHY that this program can read; its link is in registers: uiodrv regs DEVICE LINKS AUTOC"
        case .badReport(let line, let why):
            "line \(line) of the report \(why); make the report anew with uiodrv selftest --report"
        case .memory(let error): error.description
        case .split(let error): error.description
        case .pool(let error): error.description
        case .vfio(let error): error.description
        }
    }
}
