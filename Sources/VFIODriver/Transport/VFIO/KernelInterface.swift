/// What the VFIO transport asks of the kernel: everything above is tested against a kernel that is made up.
///
/// Descriptors are real ones also in tests, so that mapping them needs no seam. Results are 0 or more on success and a
/// negative error number otherwise.
protocol KernelInterface: Sendable {
    /// Opens `path` for reading and writing.
    func open(_ path: String) -> Int32
    /// A second number for an open descriptor.
    func duplicate(_ descriptor: Int32) -> Int32
    func close(_ descriptor: Int32)
    /// An ioctl whose argument is a number.
    func ioctl(_ descriptor: Int32, _ request: KernelRequest, value: Int) -> Int32
    /// An ioctl whose argument is a structure, which the kernel may fill in.
    func ioctl(_ descriptor: Int32, _ request: KernelRequest, _ argument: inout KernelBuffer) -> Int32
    /// Reads `count` bytes (at most 8) at `offset` as a little-endian number; `nil` when not all came.
    func read(_ descriptor: Int32, at offset: Int, count: Int) -> UInt64?
    /// Writes the low `count` bytes (at most 8) of `value` at `offset`.
    func write(_ descriptor: Int32, at offset: Int, count: Int, _ value: UInt64) -> Bool
    /// A descriptor that counts signals and never blocks its reader.
    func makeEventDescriptor() -> Int32
    /// Takes what an event descriptor has counted.
    func takeEvents(_ descriptor: Int32) -> UInt64
    /// How many bytes this process may lock, `UInt64.max` without limit.
    var lockedMemoryLimit: UInt64 { get }
    func exists(_ path: String) -> Bool
    /// The last component of what a symbolic link names.
    func linkTarget(_ path: String) -> String?
    /// The names in a directory, sorted; empty when there is none.
    func entries(of path: String) -> [String]
    /// Who has `path` open, as far as this user may look.
    func holder(of path: String) -> String?
}

/// An open descriptor, closed before the one that it depends on.
///
/// VFIO's order: device, then group, then container. A class, because groups and containers are shared by devices and by
/// the regions that they lend.
final class KernelHandle: Sendable {
    let descriptor: Int32
    let kernel: any KernelInterface
    let owner: KernelHandle?

    init(_ descriptor: Int32, kernel: any KernelInterface, within owner: KernelHandle? = nil) {
        self.descriptor = descriptor
        self.kernel = kernel
        self.owner = owner
    }

    // The body runs before the reference to the owner is given up.
    deinit { kernel.close(descriptor) }

    func ioctl(_ request: KernelRequest, value: Int = 0) -> Int32 { kernel.ioctl(descriptor, request, value: value) }

    func ioctl(_ request: KernelRequest, _ argument: inout KernelBuffer) -> Int32 {
        kernel.ioctl(descriptor, request, &argument)
    }
}
