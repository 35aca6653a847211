import DeviceMemory

/// A controller to be compared: its registers, memory on both sides of the bus, and the wire.
protocol Subject {
    associatedtype BusType: Bus
    /// For messages.
    var name: String { get }
    /// BAR 0.
    var bus: BusType { get }
    /// Host memory for rings and headers.
    var host: HostBlock { get }
    /// Device memory for payload.
    var region: HostBlock { get }
    /// A frame arrives.
    func inject(_ frame: [UInt8]) throws
    /// Lets the device work until `condition` holds, within bounds.
    func settle(until condition: () -> Bool) throws
}

/// Why a comparison could not be made.
struct ConformanceError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
