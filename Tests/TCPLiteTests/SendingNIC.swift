import DeviceMemory
import Packets
import PagePool
import TCPLite

/// What a NIC does with the frames that a stack hands over: reads parts where they are, cuts segments, completes checksums.
extension Host {
    /// The oldest frame of the stack's output as it goes over the wire: one frame, or the segments that it is cut into.
    ///
    /// - Parameter release: whether the device is done with its parts at once; otherwise their labels are kept.
    func takeFrames(release: Bool = true) -> [[UInt8]] {
        var bytes = stack.output.front.array()
        let offload = stack.output.frontOffload
        let parts = (0..<stack.output.frontPartCount).map { stack.output.frontPart($0) }
        stack.output.popFront()
        for part in parts {
            bytes += region.bytes.readOnly.slice(place(part.iova), Int(part.length)).array()
            if release { stack.released(part.label, pools: &pools) } else { unreleased.append(part.label) }
        }
        guard offload.tcpChecksum else { return [bytes] }
        let network = Int(offload.linkLength)
        let transport = network + Int(offload.networkLength)
        let header = transport + Int(offload.transportLength)
        guard offload.segmentSize > 0 else {
            complete(&bytes, transport, adding: 0)
            return [bytes]
        }
        var frames: [[UInt8]] = []
        var done = 0
        let payload = Array(bytes[header...])
        while done < payload.count {
            let count = min(Int(offload.segmentSize), payload.count - done)
            var frame = Array(bytes[..<header]) + payload[done..<done + count]
            let isLast = done + count == payload.count
            edit(&frame) { view in
                if offload.isIPv6 {
                    view.setBE16(network + 4, UInt16(view.count - transport))
                } else {
                    view.setBE16(network + 2, UInt16(view.count - network))
                }
                view.setBE32(transport + 4, view.readOnly.be32(transport + 4) &+ UInt32(done))
                // FIN and PSH are the last one's.
                if !isLast { view[transport + 13] &= ~0x09 }
                if offload.isIPv6 { return }
                var sum = InternetChecksum()
                sum.add(view.readOnly.slice(network, transport - network))
                view.setBE16(network + 10, sum.complement)
            }
            let length = frame.count - transport
            complete(&frame, transport, adding: length)
            frames.append(frame)
            done += count
        }
        return frames
    }

    /// The device is done with everything that it held.
    func releaseHeld() {
        for label in unreleased { stack.released(label, pools: &pools) }
        unreleased = []
    }

    private func complete(_ frame: inout [UInt8], _ transport: Int, adding length: Int) {
        edit(&frame) { view in
            var sum = InternetChecksum()
            sum.add(view.readOnly.from(transport))
            sum.add(UInt16(length))
            view.setBE16(transport + 16, sum.complement)
        }
    }

    private func edit(_ frame: inout [UInt8], _ body: (MutableByteView) -> Void) {
        let space = HeapBytes(count: frame.count)
        for (i, byte) in frame.enumerated() { space.bytes[i] = byte }
        body(space.bytes)
        frame = space.bytes.readOnly.array()
        extendLifetime(space)
    }

    /// Where in ``region`` a device address is.
    private func place(_ iova: IOVA) -> Int {
        let pool = Int(iova.rawValue / Host.poolSpacing)
        return (pool - 1) * slots * slotSize + Int(iova.rawValue % Host.poolSpacing)
    }

    /// The application takes `count` slots of pool 1 to send from, filled with a known pattern; the bytes of all of them.
    func takeSlots(_ count: Int, seed: UInt64 = 11) -> [UInt8] {
        pools.pools[1].maySend = true
        let bytes = pattern(count * slotSize, seed: seed)
        for n in 0..<count {
            guard let slot = pools.pools[1].lend() else { preconditionFailure("no slot") }
            precondition(Int(slot) == n, "slots are lent in order")
            _ = pools.deliver(pools.pools[1].arrive(slot, offset: 0, length: UInt32(slotSize)))
        }
        for (i, byte) in bytes.enumerated() { region.bytes[i] = byte }
        return bytes
    }

    /// The application gives those slots back.
    func returnSlots(_ count: Int) {
        for slot in 0..<count { pools.pools[1].returned(UInt32(slot)) }
    }

    /// Slots of pool 1 that transmissions hold.
    var slotsInTransmission: Int { pools.pools[1].ledger().transmit }
}
