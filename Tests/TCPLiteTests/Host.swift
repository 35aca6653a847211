import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import TCPLite
import Timeline

/// How the stand-in for a NIC lays frames out.
enum Layout {
    /// TCP payload in a slot, everything else in host memory.
    case split
    /// As `split`, but so many payload bytes stay behind the header.
    case splitAfter(Int)
    /// All of it in host memory.
    case unsplit
}

/// What an application has seen of a connection.
struct Seen {
    var bytes: [UInt8] = []
    var opened = 0
    var endOfStream = 0
    var closed: CloseReason?
    var untrusted = 0
    var deviceRecords = 0
    var linearRecords = 0
    var checkedSums = 0
    var badSums = 0
}

/// A stack, its pool and region, a stand-in for its NIC, and an application that reads everything.
final class Host {
    var stack: TCPStack
    var pools: PoolTable
    /// The device's memory, which the stack cannot reach: the slots of pool 1, then those of pool 2, and so on.
    let region: HeapBytes
    let slots: Int
    let poolCount: Int
    /// The pool whose slots frames arrive in.
    var arrivalPool = 1
    let slotSize: Int
    var layout = Layout.split
    var spaceEvents = 0
    /// Frames dropped because no slot was free.
    var starved = 0
    var seen: [ConnectionID: Seen] = [:]
    var order: [ConnectionID] = []
    /// Whether the application keeps a copy of what it reads.
    var keepsBytes = true
    /// Whether the application gives everything back at once.
    var returnsAtOnce = true
    var held: [(id: ConnectionID, slot: Netmem, owner: Int)] = []
    var heldLinear: [(id: ConnectionID, bytes: Int)] = []
    /// Whether the device is done with parts of frames as soon as it has them.
    var releasesAtOnce = true
    /// Steps with slots that a test takes although they are not to be taken.
    var violationsExpected = 0
    /// Whether frames are looked at as the stack leaves them.
    var leavesOffload = false
    /// Labels of parts that the device has not let go of.
    var unreleased: [UInt32] = []

    /// Distance of the pools in the device's address space.
    static var poolSpacing: UInt64 { 0x1000_0000 }

    init(
        _ configuration: Configuration, slots: Int = 1024, secret: UInt64 = 1, poolCount: Int = 1, slotSize: Int = 2048
    ) {
        self.slots = slots
        self.slotSize = slotSize
        self.poolCount = poolCount
        stack = TCPStack(configuration: configuration, secret: (secret, secret &* 0x9E37_79B9_7F4A_7C15))
        pools = PoolTable(capacity: poolCount + 1)
        for pool in 1...poolCount {
            pools.install(
                PagePool(
                    identifier: UInt16(pool),
                    provider: MemoryProvider(
                        deviceRegionAt: IOVA(Host.poolSpacing * UInt64(pool)), slotSize: slotSize, slotCount: slots)))
        }
        region = HeapBytes(count: poolCount * slots * slotSize)
    }

    /// Where a frame's TCP payload begins; its length if it has none.
    static func payloadStart(_ frame: ByteView) -> Int {
        guard let ethernet = EthernetHeader(frame), let at = transportStart(frame, ethernet),
            frame.count >= at, let tcp = TCPHeader(frame.from(at))
        else { return frame.count }
        return at + tcp.headerLength
    }

    private static func transportStart(_ frame: ByteView, _ ethernet: EthernetHeader) -> Int? {
        let datagram = frame.from(ethernet.length)
        if ethernet.type == EthernetHeader.typeIPv4 {
            guard let ip = try? IPv4Header(datagram), ip.transport == IPv4Header.protocolTCP else { return nil }
            return ethernet.length + ip.headerLength
        }
        guard ethernet.type == EthernetHeader.typeIPv6, let ip = try? IPv6Header(datagram),
            let payload = try? IPv6Payload(ip, datagram), payload.transport == IPv4Header.protocolTCP
        else { return nil }
        return ethernet.length + payload.offset
    }

    /// The NIC's part: lays `frame` out and hands it to the stack.
    func receive(_ frame: ByteView, _ checksum: ChecksumVerdict, now: Instant) {
        let boundary =
            switch layout {
            case .split: Host.payloadStart(frame)
            case .splitAfter(let n): min(Host.payloadStart(frame) + n, frame.count)
            case .unsplit: frame.count
            }
        receive(frame, boundary: boundary, checksum, now: now)
    }

    func receive(
        _ frame: ByteView, boundary: Int, split: SplitVerdict = .split, _ checksum: ChecksumVerdict, now: Instant
    ) {
        guard boundary < frame.count else {
            stack.receive(
                ReceivedFrame(header: frame, fragment: nil, split: .unsplit, checksum: checksum), now: now,
                pools: &pools)
            return
        }
        guard let slot = pools.pools[arrivalPool].lend() else {
            starved += 1
            return
        }
        let count = min(frame.count - boundary, slotSize)
        let place = (arrivalPool - 1) * slots + Int(slot)
        region.bytes.slice(place * slotSize, count).copy(frame.slice(boundary, count))
        let fragment = pools.pools[arrivalPool].arrive(slot, offset: 0, length: UInt32(count))
        stack.receive(
            ReceivedFrame(header: frame.slice(0, boundary), fragment: fragment, split: split, checksum: checksum),
            now: now, pools: &pools)
    }

    /// The application's part: takes everything there is.
    func drain() {
        while let delivery = stack.nextDelivery() { take(delivery, owner: 0) }
    }

    /// The part of one owner's application: takes everything there is, or so many deliveries.
    func drain(owner: Int, atMost limit: Int = .max) {
        var left = limit
        while left > 0, let delivery = stack.nextDelivery(owner: owner, pools: &pools) {
            take(delivery, owner: owner)
            left -= 1
        }
    }

    private func take(_ delivery: consuming Delivery, owner: Int) {
        var delivery = delivery
        let id = delivery.connection
        if seen[id] == nil {
            seen[id] = Seen()
            order.append(id)
        }
        switch delivery.kind {
        case .opened: seen[id]?.opened += 1
        case .endOfStream: seen[id]?.endOfStream += 1
        case .closed(let reason): seen[id]?.closed = reason
        case .untrusted: seen[id]?.untrusted += 1
        case .sendSpaceAvailable: spaceEvents += 1
        case .data:
            if let linear = delivery.linear {
                take(id, linear, delivery.payloadSum)
                seen[id]?.linearRecords += 1
                heldLinear.append((id, linear.count))
            }
            if let fragment = delivery.fragment.take() {
                let bytes = region.bytes.readOnly.slice(
                    ((Int(fragment.netmem.pool) - 1) * slots + Int(fragment.netmem.index)) * slotSize
                        + Int(fragment.offset), Int(fragment.length))
                take(id, bytes, delivery.payloadSum)
                seen[id]?.deviceRecords += 1
                held.append((id, pools.deliver(fragment).netmem, owner))
            }
        }
        if returnsAtOnce { giveBack() }
    }

    /// The application returns everything that it holds; one owner's may keep it.
    func giveBack(except keeper: Int? = nil) {
        var kept: [(id: ConnectionID, slot: Netmem, owner: Int)] = []
        for record in held {
            if record.owner == keeper {
                kept.append(record)
                continue
            }
            pools.returned(record.slot)
            stack.credit(record.id, owner: record.owner, slots: 1, linearBytes: 0)
        }
        for (id, bytes) in heldLinear { stack.credit(id, slots: 0, linearBytes: bytes) }
        held = kept
        heldLinear = []
    }

    private func take(_ id: ConnectionID, _ bytes: ByteView, _ sum: UInt16?) {
        guard keepsBytes else { return }
        seen[id]?.bytes += bytes.array()
        guard let sum else { return }
        var actual = InternetChecksum()
        actual.add(bytes)
        seen[id]?.checkedSums += 1
        // Zero and 0xFFFF are one sum.
        if actual.folded % 0xFFFF != sum % 0xFFFF { seen[id]?.badSums += 1 }
    }

    deinit {
        stack.close(pools: &pools)
        precondition(isBalanced && stack.connectionCount == 0)
    }

    /// Every slot where it belongs: free, or with the application.
    var isBalanced: Bool {
        (1...poolCount).allSatisfy { pool in
            let ledger = pools.pools[pool].ledger()
            return ledger.isBalanced && ledger.stack == 0 && ledger.ring == 0
                && pools.pools[pool].statistics.violations == UInt64(violationsExpected)
        }
    }
}

/// Bytes on the heap as a view.
final class Bytes {
    private let storage: HeapBytes
    var view: ByteView { storage.bytes.readOnly }
    init(_ bytes: [UInt8]) {
        storage = HeapBytes(count: bytes.count)
        for (i, byte) in bytes.enumerated() { storage.bytes[i] = byte }
    }
}

/// A stream whose byte at each position is known.
func pattern(_ count: Int, seed: UInt64 = 7) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
}

/// An address of 10.0.0.0/24.
func address(_ last: UInt8) -> IPv4Address { IPv4Address(10, 0, 0, last) }
/// The hardware address that goes with it.
func mac(_ last: UInt8) -> MACAddress { MACAddress(2, 0, 0, 0, 0, last) }

/// An address of 2001:db8::/64, and the one on the link that goes with the hardware address.
func address6(_ last: UInt8) -> IPv6Address { IPv6Address(high: 0x2001_0DB8_0000_0000, low: UInt64(last)) }
func linkLocal(_ last: UInt8) -> IPv6Address { IPv6Address.linkLocal(mac(last)) }

/// A small stack at 10.0.0.`last` and 2001:db8::`last`.
func small(_ last: UInt8, _ change: (inout Configuration) -> Void = { _ in }) -> Configuration {
    var configuration = Configuration(
        interface: InterfaceConfiguration(
            mac: mac(last), address: address(last), prefixLength: 24, gateway: address(254),
            ipv6: IPv6Configuration(linkLocal: linkLocal(last), address: address6(last), gateway: linkLocal(254))))
    configuration.maxConnections = 32
    configuration.slotsPerFlow = 64
    configuration.slotBudget = 512
    configuration.linearBlocks = 1024
    change(&configuration)
    return configuration
}
