import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import SoftNIC
import TCPLite
import Timeline

/// Bytes that are known by their place: stream after stream, position after position.
struct Pattern: Sendable {
    static let period = 1 << 16
    static let longest = 1 << 13
    private static let table: [UInt8] = (0..<period + longest).map {
        let i = $0 % period
        return UInt8(truncatingIfNeeded: i &* 7 &+ (i &>> 8) &* 13)
    }

    private static func start(_ stream: Int, _ position: Int) -> Int { (position &+ stream &* 977) & (period - 1) }

    static func fill(_ bytes: MutableByteView, _ stream: Int, _ position: Int) {
        let first = start(stream, position)
        for i in 0..<bytes.count { bytes[i] = table[first + i] }
    }

    /// Bytes that are not what they should be.
    static func wrong(_ bytes: ByteView, _ stream: Int, _ position: Int) -> Int {
        var (wrong, done) = (0, 0)
        while done < bytes.count {
            let n = min(bytes.count - done, longest)
            let first = start(stream, position + done)
            for i in 0..<n where bytes[done + i] != table[first + i] { wrong += 1 }
            done += n
        }
        return wrong
    }
}

/// The other station: streams to the engine's ports, without a wire between.
final class Peer {
    struct Flow {
        let id: ConnectionID
        let stream: Int
        var sent = 0
        /// Bytes that may be sent in all, and in one call.
        var limit: Int
        var piece: Int
    }

    var stack: TCPStack
    var flows: [Flow] = []
    /// Frames are lost as the generator says, one in so many; 0 is none.
    var losesOneIn: UInt64 = 0
    /// Frames have a byte of their payload changed, one in so many; 0 is none.
    var damagesOneIn: UInt64 = 0
    var damaged = 0
    private let scratch = HeapBytes(count: 2048)
    private var random = SeededGenerator(seed: 11)
    private var pools = PoolTable(
        PagePool(identifier: 2, provider: MemoryProvider(deviceRegionAt: IOVA(0x1000), slotSize: 2048, slotCount: 64)))
    private let message = HeapBytes(count: Pattern.longest)

    static var address: IPv4Address { IPv4Address(10, 0, 0, 2) }

    init() {
        var configuration = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 2), address: Self.address, prefixLength: 24))
        configuration.slotBudget = 0
        configuration.slotsPerFlow = 0
        configuration.nagle = false
        stack = TCPStack(configuration: configuration, secret: (3, 4))
    }

    /// Opens stream number `stream`, from port 40000 + `stream`.
    func connect(_ stream: Int, to port: UInt16, limit: Int = .max, piece: Int = 4096, now: Instant) throws {
        let id = try stack.connect(
            to: IPv4Address(10, 0, 0, 1), port: port, localPort: UInt16(40_000 + stream), now: now)
        flows.append(Flow(id: id, stream: stream, limit: limit, piece: piece))
    }

    func poll(_ nic: SoftNIC, now: Instant) {
        for i in flows.indices {
            let n = min(
                flows[i].piece, Pattern.longest, flows[i].limit - flows[i].sent, stack.sendSpace(flows[i].id))
            guard n > 0 else { continue }
            let bytes = message.bytes.slice(0, n)
            Pattern.fill(bytes, flows[i].stream, flows[i].sent)
            flows[i].sent += stack.send(flows[i].id, bytes.readOnly)
        }
        while let frame = nic.nextTransmitted() {
            stack.receive(
                ReceivedFrame(header: frame, fragment: nil, split: .unsplit, checksum: .unknown), now: now,
                pools: &pools)
            nic.popTransmitted()
        }
        while stack.nextDelivery() != nil {}
        stack.poll(now: now, pools: &pools)
        while !stack.output.isEmpty {
            let isLost = losesOneIn != 0 && random.next() % losesOneIn == 0
            guard isLost || nic.receive(damage(stack.output.front)) else { break }
            stack.output.popFront()
        }
    }

    private func damage(_ frame: ByteView) -> ByteView {
        guard damagesOneIn != 0, frame.count > 200, random.next() % damagesOneIn == 0 else { return frame }
        damaged += 1
        let copy = scratch.bytes.slice(0, frame.count)
        copy.copy(frame)
        copy[frame.count - 1] ^= 0x55
        return copy.readOnly
    }

    func abort(_ flow: Int) { stack.abort(flows[flow].id, pools: &pools) }

    func accepts(_ flow: Flow) -> Bool { stack.acceptsData(flow.id) }
}
