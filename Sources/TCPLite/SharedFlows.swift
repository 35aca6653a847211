internal import DeviceMemory
internal import Packets
internal import PagePool

/// Flows without a guarantee under shortage: what arrived out of order makes room for what closes a gap.
extension TCPStack {
    /// Pieces that one segment can bring about to be given up: a slot for it needs one, unless host memory is on top.
    private static var shedLimit: Int { 16 }

    /// Before data at RCV.NXT of connection `i` is taken: finds a slot if its owner has none left, from the highest data of
    /// `i` itself or, when it has none, from other flows in turn.
    @inline(__always) mutating func makeRoom(_ i: Int, _ pools: inout PoolTable) {
        let owner = Int(connections[i].rcv.owner)
        guard reassembly.budgets[owner].isExhausted, !reassembly.budgets[owner].isOverQuota else { return }
        shedForRoom(i, &pools)
    }

    @inline(never) private mutating func shedForRoom(_ i: Int, _ pools: inout PoolTable) {
        let owner = Int(connections[i].rcv.owner)
        for _ in 0..<TCPStack.shedLimit where reassembly.budgets[owner].isExhausted {
            let victim = connections[i].rcv.firstRange >= 0 ? i : sheddable.first(owner)
            guard victim >= 0, reassembly.shedLast(&connections[victim].rcv, &statistics, &pools) else { return }
            if connections[victim].rcv.firstRange < 0 {
                sheddable.remove(victim)
            } else {
                sheddable.rotate(victim)
            }
        }
    }

    /// Nothing of a segment of connection `i` was taken: its owner hears of it if that was for lack of slots.
    @inline(never) mutating func noteShortage(_ i: Int) {
        let owner = Int(connections[i].rcv.owner)
        if isRegistered(owner) && reassembly.budgets[owner].isExhausted { raise(owner: owner, .exhausted) }
    }

    /// Keeps the list of those that have something to give up.
    @inline(__always) mutating func noteSheddable(_ i: Int) {
        if connections[i].rcv.firstRange >= 0 {
            sheddable.append(i, connections[i].rcv.owner)
        } else {
            sheddable.remove(i)
        }
    }
}
