internal import Packets
internal import Timeline

/// What only this stack knows, and what is derived from it.
struct KeyedHash: BitwiseCopyable {
    let k0: UInt64
    let k1: UInt64
    /// What ``bucket(_:)`` uses: the keys with their bits mixed, because a factor of few bits would spread flows badly.
    private var mask: UInt64 = 0
    private var factor: UInt64 = 1

    init(k0: UInt64, k1: UInt64) {
        self.k0 = k0
        self.k1 = k1
        let mixed = (sipHash(3 << 32, 0), sipHash(3 << 32, 1))
        mask = mixed.0
        factor = mixed.1 | 1
    }

    /// Where a flow belongs in the table: one multiplication, keyed so that a peer cannot aim at a bucket from outside.
    @inline(__always) func bucket(_ key: UInt64) -> UInt64 {
        let product = (key ^ mask).multipliedFullWidth(by: factor)
        return product.high ^ product.low
    }

    /// Initial sequence number: a clock of 4 us ticks plus a keyed function of the flow (RFC 6528, section 3).
    func initialSequence(local: UInt32, flow: UInt64, now: Instant) -> SequenceNumber {
        let clock = UInt32(truncatingIfNeeded: now.nanoseconds / 4_000)
        return SequenceNumber(clock &+ UInt32(truncatingIfNeeded: sipHash(UInt64(local), flow)))
    }

    /// Offset of a flow's timestamps, so that they tell nothing of the clock (RFC 7323, section 7.1).
    func timestampOffset(local: UInt32, flow: UInt64) -> UInt32 {
        UInt32(truncatingIfNeeded: sipHash(UInt64(local) | 1 << 32, flow))
    }

    /// Where the search for a local port starts (RFC 6056, section 3.3.3).
    func portOffset(remote: UInt32, port: UInt16) -> UInt32 {
        UInt32(truncatingIfNeeded: sipHash(UInt64(remote) | 2 << 32, UInt64(port)))
    }

    /// What stands for a flow over IPv6, whose tuple is too long to be its own key. `local` tells our two addresses apart.
    func flow(remote: IPv6Address, ports: UInt32, isLinkLocal: Bool) -> UInt64 {
        sipHash(remote.high, remote.low, UInt64(ports) | (isLinkLocal ? KeyedHash.isOnLink : 0))
    }

    private static var isOnLink: UInt64 { 1 << 32 }

    /// The same as ``portOffset(remote:port:)`` for a peer over IPv6.
    func portOffset(remote: IPv6Address, port: UInt16) -> UInt32 {
        UInt32(truncatingIfNeeded: sipHash(remote.high, remote.low, UInt64(port) | 2 << 32))
    }

    /// A flow's label (RFC 6437): 20 bits that tell nothing of the others.
    func flowLabel(_ flow: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: sipHash(3 << 32, flow)) & 0xF_FFFF }

    /// SipHash-2-4 of three words.
    func sipHash(_ a: UInt64, _ b: UInt64, _ c: UInt64) -> UInt64 {
        var state = SipState(k0: k0, k1: k1)
        state.absorb(a)
        state.absorb(b)
        state.absorb(c)
        state.absorb(24 << 56)
        return state.finish()
    }

    /// SipHash-2-4 (Aumasson and Bernstein, INDOCRYPT 2012) of two words.
    func sipHash(_ a: UInt64, _ b: UInt64) -> UInt64 {
        var state = SipState(k0: k0, k1: k1)
        state.absorb(a)
        state.absorb(b)
        // The last block carries the message's length, 16 bytes, in its top byte.
        state.absorb(16 << 56)
        return state.finish()
    }
}

private struct SipState {
    var v0: UInt64
    var v1: UInt64
    var v2: UInt64
    var v3: UInt64

    init(k0: UInt64, k1: UInt64) {
        v0 = k0 ^ 0x736F_6D65_7073_6575
        v1 = k1 ^ 0x646F_7261_6E64_6F6D
        v2 = k0 ^ 0x6C79_6765_6E65_7261
        v3 = k1 ^ 0x7465_6462_7974_6573
    }

    mutating func round() {
        v0 &+= v1
        v1 = (v1 &<< 13 | v1 &>> 51) ^ v0
        v0 = v0 &<< 32 | v0 &>> 32
        v2 &+= v3
        v3 = (v3 &<< 16 | v3 &>> 48) ^ v2
        v0 &+= v3
        v3 = (v3 &<< 21 | v3 &>> 43) ^ v0
        v2 &+= v1
        v1 = (v1 &<< 17 | v1 &>> 47) ^ v2
        v2 = v2 &<< 32 | v2 &>> 32
    }

    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    mutating func finish() -> UInt64 {
        v2 ^= 0xFF
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }
}
