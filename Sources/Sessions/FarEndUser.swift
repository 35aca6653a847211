internal import DeviceMemory
internal import Packets
internal import SoftNIC
internal import TCPLite
internal import Timeline
internal import Wire

/// Somebody who runs with a far end of any make: the type of the wire is chosen once, at the top, and is concrete below.
protocol FarEndUser: ~Copyable {
    associatedtype Result
    consuming func use<End: FarEnd & ~Copyable>(_ end: consuming End) throws(SessionError) -> Result
}

extension LoopbackOptions {
    /// Builds the far end of a loopback and hands it to `user`.
    func withFarEnd<User: FarEndUser & ~Copyable>(now: Instant, _ user: consuming User) throws(SessionError)
        -> User.Result
    {
        let capacity = device.mtu + 64
        let cable = InProcessLink(depth: 512, frameCapacity: capacity, delay: .microseconds(10))
        let impaired = Impaired(
            cable, receive: impairments.impairments, transmit: impairments.impairments, seed: device.seed,
            frameCapacity: capacity)
        do {
            let peer = try SendingPeer(sendingPlan, now: now)
            if let capture = device.capture {
                let captured = try PcapCapture(impaired, path: capture, frameCapacity: capacity)
                return try user.use(LoopbackEnd(wire: captured, peer: peer))
            }
            return try user.use(LoopbackEnd(wire: impaired, peer: peer))
        } catch let error as SessionError {
            throw error
        } catch {
            throw SessionError(error)
        }
    }
}

extension LoopbackOptions {
    private var sendingPlan: SendingPlan {
        var plan = SendingPlan()
        plan.mtu = device.mtu
        plan.flows = flows
        plan.bytes = bytes
        plan.messageMinimum = messageMinimum
        plan.messageMaximum = messageMaximum
        plan.seed = device.seed
        if isIPv6 {
            plan.address = InternetAddress(SessionPlan.sender6)
            plan.receiver = InternetAddress(SessionPlan.receiver6)
        }
        return plan
    }
}

extension DeviceOptions {
    /// The model's configuration.
    var model: SoftNICConfiguration {
        var configuration = SoftNICConfiguration(
            model: name.family.map(SoftNICModel.init) ?? .i82576, preset: preset == .strict ? .strict : .qemu,
            macAddress: SessionPlan.macAddress, seed: seed)
        configuration.maxFrame = mtu + 64
        return configuration
    }
}
