internal import Rings
internal import ClientKit
public import DeviceMemory
internal import Packets
public import PagePool
public import TCPLite
public import Timeline

/// Towards the application.
extension ApplicationPort {
    /// Publishes one delivery; ``hasRoom()`` was asked before.
    ///
    /// - Returns: how many bytes it was.
    @usableFromInline mutating func deliver(
        _ delivery: consuming Delivery, _ pools: inout PoolTable, _ now: Instant
    ) -> Int {
        var bytes = 0
        let connection = delivery.connection.rawValue
        switch delivery.kind {
        case .opened(let address, let port, _, _):
            push(
                FragmentRecord(
                    opened: connection, high: address.mapped.high, low: address.mapped.low, port: port))
        case .endOfStream:
            push(FragmentRecord(.endOfStream, connection: connection))
        case .closed(let reason):
            push(FragmentRecord(.closed, connection: connection, length: UInt32(reason.rawValue)))
        case .untrusted(let segments):
            push(FragmentRecord(.untrusted, connection: connection, length: UInt32(truncatingIfNeeded: segments)))
        case .sendSpaceAvailable: break
        case .data:
            if let linear = delivery.linear {
                bytes = linear.count
                pushLinear(linear, connection, delivery.payloadSum, &pools, now)
            }
        }
        if let fragment = delivery.fragment.take() {
            bytes &+= Int(fragment.length)
            push(announce(fragment, connection, delivery.payloadSum, &pools, now))
        }
        return bytes
    }

    /// Issues a token for a fragment: the record that tells of it. There is room for a token.
    mutating func announce(
        _ fragment: consuming Fragment, _ connection: UInt32, _ sum: UInt16?, _ pools: inout PoolTable, _ now: Instant
    ) -> FragmentRecord {
        let delivered = pools.deliver(fragment)
        let token = tokens.issue(slot: delivered.netmem, connection: connection, at: now.nanoseconds) ?? 0
        statistics.deviceBytes &+= UInt64(delivered.length)
        statistics.records &+= 1
        return FragmentRecord(
            .device, connection: connection, token: token, offset: delivered.regionOffset, length: delivered.length,
            payloadSum: sum, region: delivered.netmem.pool)
    }

    /// Publishes a frame: `bytes` of it from host memory, and what is in a slot. False, with nothing taken, when there is no
    /// room now.
    @usableFromInline mutating func deliver(
        frame bytes: ByteView, headerLength: Int, isVerified: Bool, fragment: inout Fragment?, _ pools: inout PoolTable,
        _ now: Instant
    ) -> Bool {
        // A frame's bytes lie in one piece: what is left before the end of the ring is skipped, and comes back with them.
        let position = Int(linearProduced & UInt64(linear.count &- 1))
        let gap = bytes.count > linear.count &- position ? linear.count &- position : 0
        guard records.hasSpace(for: 2), linearFree >= bytes.count &+ gap, !linearOwners.isFull,
            tokens.room >= 1
        else { return false }
        if gap != 0 { linearOwners.push(ApplicationPort.nobody, UInt32(truncatingIfNeeded: gap)) }
        linearProduced &+= UInt64(gap)
        linear.copy(bytes, at: gap == 0 ? position : 0)
        frames &+= 1
        let taken = fragment.take()
        let hasMore = taken != nil
        push(
            FragmentRecord(
                frame: frames, offset: linearProduced, length: UInt32(truncatingIfNeeded: bytes.count),
                headerLength: UInt16(truncatingIfNeeded: headerLength), hasMore: hasMore, isVerified: isVerified))
        linearProduced &+= UInt64(bytes.count)
        linearOwners.push(ApplicationPort.nobody, UInt32(truncatingIfNeeded: bytes.count))
        statistics.linearBytes &+= UInt64(bytes.count)
        statistics.records &+= 1
        if let fragment = taken {
            var record = announce(fragment, ApplicationPort.nobody, nil, &pools, now)
            record.connection = frames
            push(record)
        }
        return true
    }

    /// The connection of what belongs to none: credit for it finds nobody.
    static var nobody: UInt32 { .max }

    private mutating func pushLinear(
        _ bytes: ByteView, _ connection: UInt32, _ sum: UInt16?, _ pools: inout PoolTable, _ now: Instant
    ) {
        var done = 0
        while done < bytes.count {
            let position = Int(linearProduced & UInt64(linear.count &- 1))
            let n = min(bytes.count &- done, linear.count &- position)
            linear.copy(bytes.slice(done, n), at: position)
            if configuration.uniform { pushPlace(n, connection, &pools, now) }
            // A sum is of the whole piece: a piece that wraps carries none.
            let whole = n == bytes.count ? sum : nil
            push(
                FragmentRecord(
                    .linear, connection: connection, offset: linearProduced, length: UInt32(n), payloadSum: whole))
            linearProduced &+= UInt64(n)
            linearOwners.push(connection, UInt32(n))
            done &+= n
        }
        statistics.linearBytes &+= UInt64(bytes.count)
        statistics.records &+= 1
    }

    // MARK: uniform placement

    /// Whether a linear piece can be given a place now: always, where placement is not uniform.
    ///
    /// The application's library copies the bytes there; no processor of the stack touches the region.
    @usableFromInline mutating func hasPlace(_ pools: inout PoolTable) -> Bool {
        guard configuration.uniform, placementPool != 0 else { return true }
        if let open = placement.take() {
            // A piece may wrap in the linear ring and needs a place for each part; both fit, or the slot is given up.
            if open.length >= 256 && Int(open.netmem.pool) == placementPool {
                placement = consume open
                return true
            }
            pools.recycle(open)
        }
        // Where the application holds nothing, nothing comes back: the bytes go without a place rather than never.
        guard let slot = pools.pools[placementPool].lend() else { return tokens.outstanding == 0 }
        let size = UInt32(truncatingIfNeeded: pools.pools[placementPool].slotSize)
        placement = pools.pools[placementPool].arrive(slot, offset: 0, length: size)
        return true
    }

    private mutating func pushPlace(_ count: Int, _ connection: UInt32, _ pools: inout PoolTable, _ now: Instant) {
        guard var open = placement.take() else { return }
        let rest = pools.split(&open, at: UInt32(truncatingIfNeeded: count))
        let delivered = pools.deliver(open)
        placement = consume rest
        let token = tokens.issue(slot: delivered.netmem.marked, connection: connection, at: now.nanoseconds) ?? 0
        statistics.movedBytes &+= UInt64(count)
        push(
            FragmentRecord(
                .place, connection: connection, token: token, offset: delivered.regionOffset,
                length: delivered.length, region: delivered.netmem.pool))
    }

    /// Gives up the slot that bytes were being placed in.
    mutating func closePlacement(_ pools: inout PoolTable) {
        if let open = placement.take() { pools.recycle(open) }
    }
}
