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
            mtu: mtu)
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
