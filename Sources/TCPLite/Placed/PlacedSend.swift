internal import DeviceMemory
public import PagePool

/// Some bytes of a region that are to be sent.
@frozen public struct SendRange: Sendable, Hashable, BitwiseCopyable {
    /// First byte within the region.
    public var offset: UInt64
    /// Number of bytes.
    public var length: Int

    /// Names both.
    @inlinable public init(offset: UInt64, length: Int) {
        self.offset = offset
        self.length = length
    }
}

/// Sending from where the bytes are: the device reads them, for the first time and each time they are repeated, and no
/// processor does.
extension TCPStack {
    /// The most ranges of one send (Linux: 1024 pieces of an iovec).
    public static var sendRangeLimit: Int { 1024 }

    /// The most bytes that a connection has queued or unacknowledged: sequence numbers are compared over half their range.
    static var queueLimit: Int { 1 << 30 }

    /// Queues bytes of a region behind what the connection has queued. They must not be changed before the send is completed,
    /// see ``nextCompletion()``, which comes when all of it was acknowledged or the connection has ended, and the device has
    /// read what it was to read.
    ///
    /// - Parameters:
    ///   - pool: the region's number. Its slots that are touched must be an application's, as all are of a region that was
    ///     bound for sending.
    ///   - ranges: at most ``sendRangeLimit``; together they are one send.
    /// - Returns: the send's number, from 0 on for each connection.
    /// - Throws: a ``TCPError``; nothing is queued then.
    public mutating func send(
        _ id: ConnectionID, from pool: UInt16, _ ranges: some Collection<SendRange>, pools: inout PoolTable
    ) throws(TCPError) -> UInt32 {
        let i = try placedSender(id, pool, pools)
        guard ranges.count <= Self.sendRangeLimit else { throw .tooManyRanges(limit: Self.sendRangeLimit) }
        let slotSize = pools.pools[Int(pool)].slotSize
        let size = UInt64(slotSize) * UInt64(pools.pools[Int(pool)].slotCount)
        var bytes = 0
        var pieces = 0
        var end: UInt64?
        for range in ranges {
            guard range.length >= 0, range.offset <= size, UInt64(range.length) <= size - range.offset else {
                throw .outsideRegion(offset: range.offset, length: range.length, size: size)
            }
            guard range.length > 0 else { continue }
            bytes += range.length
            let first = range.offset / UInt64(slotSize)
            pieces += Int((range.offset + UInt64(range.length) - 1) / UInt64(slotSize) - first) + 1
            if let end, end == range.offset, (end - 1) / UInt64(slotSize) == first { pieces -= 1 }
            end = range.offset + UInt64(range.length)
        }
        guard bytes <= Self.queueLimit - queued(i), tickets.hasRoom(Int(connections[i].rcv.owner)),
            sendPieces.hasRoom(pieces, for: Int(connections[i].rcv.owner))
        else {
            connections[i].snd.wantsSpace = true
            throw .sendQueueFull
        }
        let number = placed[i].number
        let label = tickets.issue(id, number: number, application: Int(connections[i].rcv.owner))
        do {
            try hold(pool, ranges, label, &pools)
        } catch {
            tickets.abort(label)
            throw error
        }
        placed[i].number &+= 1
        guard bytes > 0 else {
            // Nothing to wait for, and nothing to look at.
            tickets.retain(label)
            tickets.complete(label, nil, success: true)
            return number
        }
        // Ranges that touch each other in one slot are one run: a selftest sends 3 bytes at a time.
        var open = SendRange(offset: 0, length: 0)
        for range in ranges where range.length > 0 {
            if open.length > 0 && open.offset + UInt64(open.length) == range.offset {
                open.length += range.length
                continue
            }
            place(i, pool, open, label, &pools)
            open = range
        }
        place(i, pool, open, label, &pools)
        letGoExtra(pool, ranges, label, &pools)
        pending.append(i)
        return number
    }

    /// Sends a received fragment on, untouched: its slot is the transmission's until it was acknowledged, and then goes back to
    /// its pool. Nobody is told of the end.
    ///
    /// - Parameters:
    ///   - fragment: taken when this returns, and left when it throws.
    ///   - origin: the connection that it arrived on, which may receive into one slot more when it is gone.
    public mutating func relay(
        _ id: ConnectionID, _ fragment: inout Fragment?, from origin: ConnectionID, pools: inout PoolTable
    ) throws(TCPError) {
        guard let taken = fragment.take() else { return }
        let netmem = taken.netmem
        let offset = Int(taken.offset)
        let length = taken.length
        fragment = consume taken
        let i = try placedSender(id, netmem.pool, pools)
        guard Int(length) <= Self.queueLimit - queued(i), sendPieces.hasRoom(1, for: Int(connections[i].rcv.owner))
        else {
            connections[i].snd.wantsSpace = true
            throw .sendQueueFull
        }
        guard let whole = fragment.take(), pools.pools[Int(netmem.pool)].queueForTransmit(whole) != nil else { return }
        var owner = StaticOwner()
        owner.retain(0)
        append(
            i, netmem, pools.pools[Int(netmem.pool)].iova(of: netmem.index) + offset, Int(length), 0, owner.flags,
            origin: origin)
        pending.append(i)
    }

    /// Room for an owner's runs of bytes that are sent from where they are: a fragment relayed is one. Each has its share.
    public func relaySpace(owner: Int = 0) -> Int { isRegistered(owner) ? sendPieces.room(for: owner) : 0 }

    /// ``Configuration/placedSends``, as it is in force.
    public var configuredPlacedSends: Int { configuration.placedSends }

    /// What became of an owner's sends from regions; `nil` when there is nothing to tell.
    public mutating func nextCompletion(owner: Int = 0) -> SendCompletion? {
        isRegistered(owner) ? tickets.next(owner) : nil
    }

    /// The device is done with a part of a frame from ``output``: whoever takes frames out says so once for each part of each,
    /// by its ``DeviceMemory/PlacedPart/label``.
    public mutating func released(_ label: UInt32, pools: inout PoolTable) {
        let at = Int32(truncatingIfNeeded: label) &- 1
        if sendPieces.release(at) { letGo(at, &pools) }
    }

    // MARK: parts

    /// The place of a connection that can send from a region.
    private func placedSender(
        _ id: ConnectionID, _ pool: UInt16, _ pools: borrowing PoolTable
    ) throws(TCPError) -> Int {
        guard configuration.transmitChecksumOffload else { throw .noChecksumOffload }
        guard configuration.placedSends > 0 else { throw .noPlacedSends }
        guard let i = place(id), acceptsData(id) else { throw .notSending }
        guard pools.maySend(pool), isAllowed(pool: pool, owner: Int(connections[i].rcv.owner)) else {
            throw .notForSending(pool)
        }
        return i
    }

    /// Bytes queued or not acknowledged.
    private func queued(_ i: Int) -> Int { max(connections[i].snd.end.distance(from: connections[i].snd.una), 0) }

    /// Takes a reference for the transmission on every slot that the ranges touch, once for each range; all or none.
    private mutating func hold(
        _ pool: UInt16, _ ranges: some Collection<SendRange>, _ label: UInt32, _ pools: inout PoolTable
    ) throws(TCPError) {
        let slotSize = UInt64(pools.pools[Int(pool)].slotSize)
        var held = 0
        var missing: UInt32?
        outer: for range in ranges where range.length > 0 {
            for slot in range.offset / slotSize...(range.offset + UInt64(range.length) - 1) / slotSize {
                guard pools.pools[Int(pool)].queueForTransmit(held: UInt32(slot)) else {
                    missing = UInt32(slot)
                    break outer
                }
                held += 1
            }
        }
        guard let missing else { return }
        for range in ranges where range.length > 0 && held > 0 {
            for slot in range.offset / slotSize...(range.offset + UInt64(range.length) - 1) / slotSize where held > 0 {
                pools.pools[Int(pool)].transmitted(UInt32(slot))
                held -= 1
            }
        }
        throw .notHeld(slot: missing)
    }

    /// Queues a run, cut where slots end.
    private mutating func place(
        _ i: Int, _ pool: UInt16, _ range: SendRange, _ label: UInt32, _ pools: inout PoolTable
    ) {
        let slotSize = UInt64(pools.pools[Int(pool)].slotSize)
        var offset = range.offset
        var left = range.length
        while left > 0 {
            let slot = UInt32(offset / slotSize)
            let within = offset % slotSize
            let count = min(left, Int(slotSize - within))
            tickets.retain(label)
            append(
                i, Netmem(kind: pools.pools[Int(pool)].kind, pool: pool, index: slot),
                pools.pools[Int(pool)].iova(of: slot) + Int(within), count, label, tickets.flags, origin: nil)
            offset += UInt64(count)
            left -= count
        }
    }

    /// Ranges that became one run had a reference each on the slots where they met.
    private mutating func letGoExtra(
        _ pool: UInt16, _ ranges: some Collection<SendRange>, _ label: UInt32, _ pools: inout PoolTable
    ) {
        let slotSize = UInt64(pools.pools[Int(pool)].slotSize)
        var end: UInt64?
        for range in ranges where range.length > 0 {
            if let end, end == range.offset, (end - 1) / slotSize == range.offset / slotSize {
                pools.pools[Int(pool)].transmitted(UInt32(range.offset / slotSize))
            }
            end = range.offset + UInt64(range.length)
        }
    }

    private mutating func append(
        _ i: Int, _ netmem: Netmem, _ iova: IOVA, _ length: Int, _ label: UInt32, _ flags: PacketFlags,
        origin: ConnectionID?
    ) {
        let piece = SendPiece(
            start: connections[i].snd.end, length: UInt32(length), iova: iova, netmem: netmem,
            before: placed[i].total, references: 0, next: -1, label: label,
            origin: origin ?? ConnectionID(rawValue: 0), flags: flags, application: connections[i].rcv.owner,
            isRelayed: origin != nil,
            hasEnded: false, isAcknowledged: false)
        sendPieces.append(piece, to: &placed[i])
        placed[i].total &+= UInt32(truncatingIfNeeded: length)
        connections[i].snd.end = connections[i].snd.end + length
        connections[i].snd.isPlaced = true
    }

    /// What lies wholly before SND.UNA is the peer's.
    @inline(never) mutating func endAcknowledged(_ i: Int, _ pools: inout PoolTable) {
        let una = connections[i].snd.una
        while placed[i].first >= 0, sendPieces[placed[i].first].end <= una {
            let (at, isFree) = sendPieces.endFirst(&placed[i], isAcknowledged: true)
            if isFree { letGo(at, &pools) }
        }
    }

    /// The connection is over: what it had queued will not be acknowledged. Frames that are under way keep their slots.
    @inline(never) mutating func giveUpPlaced(_ i: Int, _ pools: inout PoolTable) {
        while placed[i].first >= 0 {
            let (at, isFree) = sendPieces.endFirst(&placed[i], isAcknowledged: false)
            if isFree { letGo(at, &pools) }
        }
        placed[i] = PlacedSide()
        connections[i].snd.isPlaced = false
    }

    private mutating func letGo(_ at: Int32, _ pools: inout PoolTable) {
        let piece = sendPieces[at]
        guard piece.isRelayed else { return sendPieces.free(at, &tickets, &pools) }
        var owner = StaticOwner()
        sendPieces.free(at, &owner, &pools)
        credit(piece.origin, slots: 1, linearBytes: 0)
    }
}
