internal import DeviceMemory
internal import VFIODriver

/// Somebody who runs with a driver of any family: its type is chosen once, at the top, and is concrete below.
protocol DriverUser: ~Copyable {
    associatedtype Device: PCIDevice
    associatedtype Result
    consuming func use<Driver: NICDriver & ~Copyable>(
        _ driver: Driver.Type
    ) throws(SessionError) -> Result where Driver.Device == Device
}

extension NICFamily {
    /// Hands `user` the driver of this family.
    func withDriver<User: DriverUser & ~Copyable>(_ user: consuming User) throws(SessionError) -> User.Result {
        switch self {
        case .igb: try user.use(I82576Driver<User.Device>.self)
        case .e1000e: try user.use(I82574Driver<User.Device>.self)
        case .ixgbe: try user.use(I82599Driver<User.Device>.self)
        }
    }
}
