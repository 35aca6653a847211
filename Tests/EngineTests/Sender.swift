import DeviceMemory
import HeaderSplit
import Packets
import PagePool
import SoftNIC
import TCPLite
import Timeline

/// The sender: a stack whose frames go to the NIC and come from it without a wire.
struct Sender: ~Copyable {
    var stack: TCPStack
    var pools = PoolTable(
        PagePool(
            identifier: 2, provider: MemoryProvider(deviceRegionAt: IOVA(0x1000), slotSize: 2048, slotCount: 256)))
    let connection: ConnectionID

    init(to address: IPv4Address, _ port: UInt16, now: Instant) throws {
        var configuration = Configuration(
            interface: InterfaceConfiguration(
                mac: MACAddress(2, 0, 0, 0, 0, 2), address: IPv4Address(10, 0, 0, 2), prefixLength: 24))
        configuration.slotBudget = 128
        configuration.slotsPerFlow = 16
        stack = TCPStack(configuration: configuration, secret: (3, 4))
        connection = try stack.connect(to: address, port: port, localPort: nil, now: now)
    }

    mutating func poll(_ nic: SoftNIC, now: Instant) {
        while let frame = nic.nextTransmitted() {
            stack.receive(
                ReceivedFrame(header: frame, fragment: nil, split: .unsplit, checksum: .unknown), now: now,
                pools: &pools)
            nic.popTransmitted()
        }
        while stack.nextDelivery() != nil {}
        stack.poll(now: now, pools: &pools)
        while !stack.output.isEmpty, nic.receive(stack.output.front) { stack.output.popFront() }
    }
}
