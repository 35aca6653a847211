internal import Packets
internal import TCPLite
internal import Timeline
internal import Wire

/// Where a device is plugged in, and who it is there.
public struct StationOptions: Codable, Sendable {
    /// The wire's name: `tap:NAME`, `pcap:FILE` or `dgram:LOCAL,REMOTE`.
    public var wire = "tap:uiodrv0"
    /// Own address with prefix length.
    public var address = "10.0.0.1/24"
    /// Router for addresses beyond the prefix.
    public var gateway: String?
    /// Own IPv6 address with prefix length; `nil` leaves IPv6 alone. One of fe80::/10 is the only one, any other comes beside
    /// one on the link that follows from the hardware address.
    public var address6: String?
    /// Router for IPv6 addresses beyond the prefix.
    public var gateway6: String?

    /// The defaults above.
    public init() {}
}

extension StationOptions {
    /// Own address, prefix and gateway, checked.
    func interface(mtu: Int) throws(SessionError) -> InterfaceConfiguration {
        let parts = address.split(separator: "/")
        guard parts.count == 2, let own = IPv4Address(String(parts[0])), let prefix = Int(parts[1]),
            (1...30).contains(prefix)
        else { throw SessionError("\(address) is no address with a prefix; write it as 10.0.0.1/24") }
        var router: IPv4Address?
        if let gateway {
            guard let parsed = IPv4Address(gateway) else {
                throw SessionError("the gateway \(gateway) is no IPv4 address; write it as 10.0.0.254")
            }
            router = parsed
        }
        return InterfaceConfiguration(
            mac: SessionPlan.mac, address: own, prefixLength: prefix, gateway: router,
            mtu: mtu, ipv6: try ipv6(mtu: mtu))
    }

    private func ipv6(mtu: Int) throws(SessionError) -> IPv6Configuration? {
        guard let address6 else {
            guard gateway6 == nil else { throw SessionError("an IPv6 gateway needs an IPv6 address; add --address6") }
            return nil
        }
        let parts = address6.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let own = IPv6Address(String(parts[0])), own.isUnicast, let prefix = Int(parts[1]),
            (1...127).contains(prefix)
        else { throw SessionError("\(address6) is no IPv6 address with a prefix; write it as fd00::1/64") }
        guard mtu >= 1280 else {
            throw SessionError("IPv6 needs an MTU of 1280 at least; raise --mtu or drop --address6")
        }
        var router: IPv6Address?
        if let gateway6 {
            guard let parsed = IPv6Address(gateway6), parsed.isUnicast else {
                throw SessionError("the gateway \(gateway6) is no IPv6 address; write it as fd00::fe or fe80::1")
            }
            router = parsed
        }
        return SessionPlan.ipv6(own, mac: SessionPlan.mac, prefixLength: prefix, gateway: router)
    }

    /// Opens the wire that was named and hands it to `user`.
    func withFarEnd<User: FarEndUser & ~Copyable>(
        of device: DeviceOptions, _ user: consuming User
    ) throws(SessionError) -> User.Result {
        if case .pci = device.name { return try user.use(AbsentEnd()) }
        let capacity = device.mtu + 64
        do {
            let open = try OpenWire(WireName(parsing: wire))
            if let capture = device.capture {
                return try user.use(OutsideEnd(wire: PcapCapture(open, path: capture, frameCapacity: capacity)))
            }
            return try user.use(OutsideEnd(wire: open))
        } catch let error as SessionError {
            throw error
        } catch {
            throw SessionError(error)
        }
    }
}
