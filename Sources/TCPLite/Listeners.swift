internal import DeviceMemory

/// A port that is listened on: whose connections it makes, and what they may count on.
struct Listener: BitwiseCopyable {
    /// Zero for a place that is free.
    var port: UInt16 = 0
    var owner: Int32 = 0
    /// Slots guaranteed to each flow; -1 for shared flows.
    var slots: Int32 = 0
}

extension TCPStack {
    /// Accepts connections to `port` from now on.
    ///
    /// - Parameters:
    ///   - owner: whose they are.
    ///   - flow: what they may count on; `nil` guarantees each the configuration's `slotsPerFlow`.
    /// - Throws: ``TCPError/invalidPort``, ``TCPError/portInUse(_:)`` when it is listened on already,
    ///   ``TCPError/unknownOwner(_:)``, or ``TCPError/tooManyListeners(limit:)``.
    public mutating func listen(port: UInt16, owner: Int = 0, flow: FlowClass? = nil) throws(TCPError) {
        guard port != 0 else { throw .invalidPort }
        guard !isListening(port) else { throw .portInUse(port) }
        guard isRegistered(owner) else { throw .unknownOwner(owner) }
        for index in 0..<listeners.count where listeners[index].port == 0 {
            listeners[index] = Listener(port: port, owner: Int32(owner), slots: slots(flow))
            ports.bytes.setBE16(2 * Int(port), UInt16(index + 1))
            return
        }
        throw .tooManyListeners(limit: listeners.count)
    }

    /// Accepts no more connections to `port`; those that there are stay.
    public mutating func unlisten(port: UInt16) {
        guard isListening(port) else { return }
        listeners[listenerIndex(port)].port = 0
        ports.bytes.setBE16(2 * Int(port), 0)
    }

    @inline(__always) func isListening(_ port: UInt16) -> Bool { listenerIndex(port) >= 0 }

    /// The place of a port in ``listeners``; -1 when nobody listens.
    @inline(__always) func listenerIndex(_ port: UInt16) -> Int {
        Int(ports.bytes.readOnly.be16(2 &* Int(port))) &- 1
    }

    /// Guaranteed slots of a class; -1 for shared flows.
    func slots(_ flow: FlowClass?) -> Int32 {
        switch flow {
        case nil: Int32(clamping: max(configuration.slotsPerFlow, 0))
        case .guaranteed(let slots): Int32(clamping: max(slots, 0))
        case .shared: -1
        }
    }

    /// Books a new flow with its owner; false when it cannot be promised what it asks for.
    mutating func admit(owner: Int32, slots: Int32) -> Bool {
        if slots < 0 { return reassembly.budgets[Int(owner)].admitShared() }
        return reassembly.budgets[Int(owner)].admit(guarantee: Int(slots))
    }
}
