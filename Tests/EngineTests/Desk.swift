import ClientKit
import DeviceMemory
import PagePool
import Packets
import TCPLite

@testable import Engine

/// A port over plain memory, with a pool and a stack that have seen no device.
struct Desk: ~Copyable {
    let memory = HeapBytes(count: ApplicationChannel.bytes)
    var port: ApplicationPort
    var client: ApplicationClient
    var pools: PoolTable
    var stack: TCPStack

    init(slots: Int = 64, _ change: (inout PortConfiguration) -> Void = { _ in }) {
        let channel = ApplicationChannel(memory.bytes)
        var configuration = PortConfiguration(tokenLimit: slots * 2)
        change(&configuration)
        port = ApplicationPort(channel, configuration: configuration)
        client = ApplicationClient(channel)
        pools = PoolTable(
            PagePool(
                identifier: 1, provider: MemoryProvider(deviceRegionAt: IOVA(0x1000), slotSize: 4096, slotCount: slots))
        )
        stack = TCPStack(
            configuration: Configuration(
                interface: InterfaceConfiguration(
                    mac: MACAddress(2, 0, 0, 0, 0, 1), address: IPv4Address(10, 0, 0, 1), prefixLength: 24)),
            secret: (1, 2))
    }

    /// Delivers a slot to the application and returns its token.
    mutating func deliver(length: UInt32 = 100, connection: UInt32 = 0) -> UInt64 {
        guard let slot = pools.pools[1].lend() else { return 0 }
        let delivered = pools.deliver(pools.pools[1].arrive(slot, offset: 0, length: length))
        return port.tokens.issue(slot: delivered.netmem, connection: connection)
    }

    mutating func takeReturns(limit: Int = 4096) { _ = port.takeReturns(limit: limit, pools: &pools, stack: &stack) }

    mutating func giveBack(_ ranges: [TokenRange]) -> ReturnOutcome? {
        port.giveBack(ranges, pools: &pools, stack: &stack)
    }

    mutating func takeCommands() { _ = port.takeCommands(pools: &pools, stack: &stack) }

    var free: Int { pools.pools[1].freeCount }
}
