import DeviceMemory
import HeaderSplit
import PagePool
import Packets
public import SoftNIC
import TCPLite
public import Timeline

/// A sender that keeps a connection open to each of its ports, whoever listens there, and sends all that it can.
public struct Peer: ~Copyable {
    private var stack: TCPStack
    private var pools: PoolTable
    private var ids: [ConnectionID?] = []
    private var isOpen: [Bool] = []
    private var retryAt: [Instant] = []
    private let message = HeapBytes(count: 16 << 10)
    /// Ports of the controller's clients.
    public private(set) var ports: [UInt16] = []
    /// Whether anything is sent.
    public var isSending = true
    /// Connections opened so far.
    public private(set) var connections: UInt64 = 0
    /// What arrived on connections that clients opened.
    public private(set) var received: [UInt8] = []

    public init(seed: UInt64) {
        var configuration = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 2), address: IPv4Address(10, 0, 0, 2), prefixLength: 24))
        configuration.maxConnections = 64
        configuration.sendBufferBytes = 256 << 10
        configuration.slotsPerFlow = 1
        configuration.slotBudget = 512
        configuration.msl = .milliseconds(1)
        stack = TCPStack(configuration: configuration, secret: (seed, ~seed))
        pools = PoolTable(
            PagePool(
                identifier: 2,
                provider: MemoryProvider(deviceRegionAt: IOVA(0x1000), slotSize: 2048, slotCount: 512)))
        for i in 0..<message.count { message.bytes[i] = UInt8(truncatingIfNeeded: i &* 131 &+ i >> 8) }
        try? stack.listen(port: Peer.listeningPort, flow: .guaranteed(slots: 32))
    }

    /// Where it accepts connections.
    public static let listeningPort: UInt16 = 9000

    /// Sends to `port` from now on.
    public mutating func add(_ port: UInt16) {
        guard !ports.contains(port) else { return }
        ports.append(port)
        ids.append(nil)
        isOpen.append(false)
        retryAt.append(.zero)
    }

    /// One turn: frames from the device, events, connections that are missing, bytes, frames to the device.
    public mutating func poll(_ nic: SoftNIC, now: Instant) {
        while let frame = nic.nextTransmitted() {
            stack.receive(
                ReceivedFrame(header: frame, fragment: nil, split: .unsplit, checksum: .unknown), now: now,
                pools: &pools)
            nic.popTransmitted()
        }
        while let delivery = stack.nextDelivery() {
            guard let i = ids.firstIndex(of: delivery.connection) else {
                if case .opened = delivery.kind { connections &+= 1 }
                if let bytes = delivery.linear {
                    for i in 0..<bytes.count { received.append(bytes[i]) }
                    stack.credit(delivery.connection, slots: 0, linearBytes: bytes.count)
                }
                continue
            }
            switch delivery.kind {
            case .opened:
                isOpen[i] = true
                connections &+= 1
            case .closed:
                ids[i] = nil
                isOpen[i] = false
                retryAt[i] = now + .milliseconds(1)
            default: break
            }
        }
        for i in 0..<ports.count {
            if ids[i] == nil && now >= retryAt[i] {
                ids[i] = try? stack.connect(
                    to: IPv4Address(10, 0, 0, 1), port: ports[i], localPort: nil, now: now)
                retryAt[i] = now + .milliseconds(5)
            }
            if let id = ids[i], isOpen[i], isSending { _ = stack.send(id, message.bytes.readOnly) }
        }
        stack.poll(now: now, pools: &pools)
        while !stack.output.isEmpty, nic.receive(stack.output.front) { stack.output.popFront() }
    }
}
