internal import DeviceMemory
internal import NICRegisters
internal import Timeline

/// Statistics that the 82574 and the 82576 have at the same places.
extension ModelCore {
    /// A statistics register: a read clears it, and the upper half of a pair clears both.
    mutating func readCounter(_ offset: UInt32) -> UInt32 {
        noteStatisticsRead()
        let value = registers[offset]
        switch offset {
        case Intel8257x.gorcl.offset, Intel8257x.gotcl.offset, Intel8257x.torl.offset, Intel8257x.totl.offset: break
        case Intel8257x.gorch.offset, Intel8257x.gotch.offset, Intel8257x.torh.offset, Intel8257x.toth.offset:
            registers[offset] = 0
            registers[offset &- 4] = 0
        default: registers[offset] = 0
        }
        return value
    }

    /// A driver that reads counters between packets: more than three full sets within a millisecond.
    private mutating func noteStatisticsRead() {
        if now - statisticsFrom > .milliseconds(1) {
            statisticsFrom = now
            statisticsReads = 0
        }
        statisticsReads &+= 1
        if statisticsReads == 257 { flag(.statisticsPolled) }
    }

    /// A frame came from the wire or from loopback, good or not.
    mutating func countArrived(_ frame: ByteView) {
        registers.count(Intel8257x.tpr)
        registers.count64(Intel8257x.torl, UInt32(truncatingIfNeeded: frame.count) &+ 4)
    }

    /// A frame was delivered.
    mutating func countReceived(_ frame: ByteView) {
        let length = UInt32(truncatingIfNeeded: frame.count) &+ 4
        registers.count(Intel8257x.gprc)
        registers.count64(Intel8257x.gorcl, length)
        if frame[0] & 1 != 0 {
            registers.count(Self.isBroadcast(frame) ? Intel8257x.bprc : Intel8257x.mprc)
        }
        registers.count(Self.sizeClass(length, from: Intel8257x.prc64))
    }

    /// A frame left.
    mutating func countSent(_ frame: ByteView) {
        let length = UInt32(truncatingIfNeeded: frame.count) &+ 4
        registers.count(Intel8257x.gptc)
        registers.count(Intel8257x.tpt)
        registers.count64(Intel8257x.gotcl, length)
        registers.count64(Intel8257x.totl, length)
        if frame[0] & 1 != 0 {
            registers.count(Self.isBroadcast(frame) ? Intel8257x.bptc : Intel8257x.mptc)
        }
        registers.count(Self.sizeClass(length, from: Intel8257x.ptc64))
    }

    static func isBroadcast(_ frame: ByteView) -> Bool { frame.be32(0) == 0xFFFF_FFFF && frame.be16(4) == 0xFFFF }

    /// The counter for frames of `length` bytes among six that follow `first`.
    static func sizeClass(_ length: UInt32, from first: Register<PlainValue>) -> Register<PlainValue> {
        let index: UInt32
        switch length {
        case ...64: index = 0
        case ...127: index = 1
        case ...255: index = 2
        case ...511: index = 3
        case ...1023: index = 4
        default: index = 5
        }
        return Register(first.offset &+ index &* 4, first.name, first.access)
    }
}
