internal import DeviceMemory
internal import Packets
public import Timeline

/// Why a packet landed elsewhere than intended.
@frozen public enum Misplacement: UInt8, Sendable, Hashable, CaseIterable, BitwiseCopyable {
    /// Payload in host memory: a frame that the device did not split, or that fit the header buffer.
    case unsplit
    /// Payload in a slot that the device had not verified; it was dropped.
    case unverified
    /// Payload in a slot of a pool that the connection's owner has no part in; it was dropped.
    case foreignPool
    /// The header did not fit its buffer; the packet was dropped.
    case headerOverflow
    /// No slot was left where the packet arrived; whoever runs the queues reports it.
    case poolEmpty
}

/// Packets that landed elsewhere than intended, by reason.
@frozen public struct MisplacementCounters: Sendable, Hashable, BitwiseCopyable {
    public internal(set) var unsplit: UInt64 = 0
    public internal(set) var unverified: UInt64 = 0
    public internal(set) var foreignPool: UInt64 = 0
    public internal(set) var headerOverflow: UInt64 = 0
    public internal(set) var poolEmpty: UInt64 = 0

    /// All zero.
    public init() {}

    /// The count of one reason.
    public internal(set) subscript(reason: Misplacement) -> UInt64 {
        get {
            switch reason {
            case .unsplit: unsplit
            case .unverified: unverified
            case .foreignPool: foreignPool
            case .headerOverflow: headerOverflow
            case .poolEmpty: poolEmpty
            }
        }
        set {
            switch reason {
            case .unsplit: unsplit = newValue
            case .unverified: unverified = newValue
            case .foreignPool: foreignPool = newValue
            case .headerOverflow: headerOverflow = newValue
            case .poolEmpty: poolEmpty = newValue
            }
        }
    }
}

/// Something that an owner, rather than one of its connections, is told.
@frozen public enum OwnerEvent: Sendable, Hashable, BitwiseCopyable {
    /// The slots that the owner may use, so many, are in use: windows are closed, and shared flows drop.
    case exhausted(slots: Int)
    /// So many slots are left, which last for `lasting` if use grows as in the last second; `nil` if it does not.
    case low(slotsLeft: Int, lasting: Interval?)
    /// The owner has held more slots for longer than its quota: its shared flows take nothing new.
    case overQuota
    /// A connection's data has waited for `since` without its application taking or returning any.
    case stalled(ConnectionID, since: Interval)
    /// Packets landed elsewhere than intended since the event before; `total` of them ever.
    case misplaced(Misplacement, total: UInt64)
}

/// Kinds of ``OwnerEvent``, as a set.
@frozen public struct OwnerEventKinds: OptionSet, Sendable, Hashable, BitwiseCopyable {
    public let rawValue: UInt8
    @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static var exhausted: OwnerEventKinds { OwnerEventKinds(rawValue: 1) }
    public static var low: OwnerEventKinds { OwnerEventKinds(rawValue: 2) }
    public static var overQuota: OwnerEventKinds { OwnerEventKinds(rawValue: 4) }
    public static var misplaced: OwnerEventKinds { OwnerEventKinds(rawValue: 8) }
    public static var all: OwnerEventKinds { OwnerEventKinds(rawValue: 15) }
}

extension TCPStack {
    /// The next event of an owner; `nil` when there is none. Each kind comes once and not again before ``rearm(owner:_:)``,
    /// except stalls, which come once for each time that a connection stalls.
    public mutating func nextOwnerEvent(owner: Int) -> OwnerEvent? {
        guard isRegistered(owner) else { return nil }
        if owners[owner].raised.contains(.exhausted) {
            owners[owner].raised.remove(.exhausted)
            return .exhausted(slots: reassembly.budgets[owner].ceiling)
        }
        if owners[owner].raised.contains(.low) {
            owners[owner].raised.remove(.low)
            let budget = reassembly.budgets[owner]
            return .low(slotsLeft: max(budget.ceiling - budget.inUse, 0), lasting: owners[owner].forecast)
        }
        if owners[owner].raised.contains(.overQuota) {
            owners[owner].raised.remove(.overQuota)
            return .overQuota
        }
        let i = stalled.first(owner)
        if i >= 0 {
            stalled.remove(i)
            return .stalled(
                ConnectionID(rawValue: connections[i].id),
                since: Interval(nanoseconds: connections[i].rcv.waited))
        }
        guard owners[owner].raised.contains(.misplaced) else { return nil }
        for code in 0...Misplacement.poolEmpty.rawValue {
            guard let reason = Misplacement(rawValue: code) else { break }
            let total = owners[owner].misplacements[reason]
            guard total != owners[owner].misplacementsReported[reason] else { continue }
            owners[owner].misplacementsReported[reason] = total
            return .misplaced(reason, total: total)
        }
        owners[owner].raised.remove(.misplaced)
        return nil
    }

    /// Lets events of these kinds come again.
    public mutating func rearm(owner: Int, _ kinds: OwnerEventKinds = .all) {
        guard isRegistered(owner) else { return }
        owners[owner].armed.formUnion(kinds)
        if owners[owner].misplacements != owners[owner].misplacementsReported { raise(owner: owner, .misplaced) }
    }

    /// Books packets that landed elsewhere than intended where the stack does not see it.
    public mutating func note(_ reason: Misplacement, owner: Int, count: UInt64 = 1) {
        guard isRegistered(owner) else { return }
        owners[owner].misplacements[reason] &+= count
        raise(owner: owner, .misplaced)
    }

    /// Raises an event if it is armed.
    mutating func raise(owner: Int, _ kind: OwnerEventKinds) {
        guard owners[owner].armed.contains(kind) else { return }
        owners[owner].armed.remove(kind)
        owners[owner].raised.insert(kind)
    }

    /// Books a packet of connection `i`.
    @inline(never) mutating func misplaced(_ i: Int, _ reason: Misplacement) {
        note(reason, owner: Int(connections[i].rcv.owner))
    }
}

extension TCPStack {
    /// A frame whose header did not fit: it is dropped, and whoever it was for is told if that can be seen.
    @inline(never) mutating func headerOverflow(_ view: ByteView) {
        statistics.headerOverflows &+= 1
        guard let ethernet = EthernetHeader(view), let (source, at, isLinkLocal) = visibleSegment(view, ethernet),
            view.count >= at + 4
        else { return }
        let local = view.be16(at + 2)
        let key = flowKey(source, remotePort: view.be16(at), localPort: local, isLinkLocal: isLinkLocal)
        let i = find(key, source, remotePort: view.be16(at), localPort: local, isLinkLocal: isLinkLocal)
        if i >= 0 {
            misplaced(i, .headerOverflow)
        } else if isListening(local) {
            note(.headerOverflow, owner: Int(listeners[listenerIndex(local)].owner))
        }
    }

    /// Who sent a TCP segment, and where it begins, as far as that is in host memory; whether it was for our address on the link.
    private func visibleSegment(
        _ view: ByteView, _ ethernet: EthernetHeader
    ) -> (source: InternetAddress, at: Int, isLinkLocal: Bool)? {
        let datagram = view.from(ethernet.length)
        if ethernet.type == EthernetHeader.typeIPv4 {
            guard let ip = try? IPv4Header(datagram), ip.transport == IPv4Header.protocolTCP else { return nil }
            return (InternetAddress(ip.source), ethernet.length + ip.headerLength, false)
        }
        guard ethernet.type == EthernetHeader.typeIPv6, let ip = try? IPv6Header(datagram),
            let payload = try? IPv6Payload(ip, datagram), payload.transport == IPv4Header.protocolTCP
        else { return nil }
        return (InternetAddress(ip.source), ethernet.length + payload.offset, ip.destination.isLinkLocal)
    }
}
