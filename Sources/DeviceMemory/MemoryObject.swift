internal import CShim
internal import Glibc

/// What keeps a lender's promises for as long as the memory that it lent is in use.
///
/// Memory of another device is only there while that device stays open, decodes its memory cycles and is not reset.
public protocol DeviceMemoryLoan: AnyObject, Sendable {
    /// A dma-buf of the same bytes, borrowed; `nil` when the lender's kernel makes none.
    var bufferDescriptor: Int32? { get }
}

/// Shared memory behind a descriptor, not mapped anywhere by itself: a memfd, or a window of a device.
///
/// Who maps it, with which rights and in which process, is decided view by view: that is how a region can be written by a
/// device model and read by a consumer while the process that runs the stack has no mapping at all.
public struct MemoryObject: ~Copyable, Sendable {
    /// For messages.
    public let name: String
    /// Length in bytes.
    public let size: Int
    /// Where the first byte lies behind the descriptor.
    public let fileOffset: Int
    /// Present on memory of another device, which counts what it has lent; `nil` is memory of the host.
    public let loan: (any DeviceMemoryLoan)?
    private let descriptor: OwnedDescriptor

    /// Creates zeroed memory; `hugePages` asks for 2 MiB pages and fails when the machine has none free.
    public init(name: String, size: Int, hugePages: Bool = false) throws(DeviceMemoryError) {
        let page = hugePages ? 2 << 20 : 4096
        let rounded = (size + page - 1) / page * page
        let fd = unsafe name.withCString { text in unsafe shim_memfd_create(text, hugePages ? 1 : 0) }
        guard fd >= 0 else { throw .cannotCreate(name: name, bytes: rounded, errno: errno) }
        let owned = OwnedDescriptor(taking: fd)
        guard ftruncate(fd, rounded) == 0 else { throw .cannotCreate(name: name, bytes: rounded, errno: errno) }
        // Against a peer that shrinks the file under our mapping (SIGBUS).
        guard shim_memfd_seal_shrink(fd) == 0 else { throw .cannotSeal(name: name, errno: errno) }
        self.name = name
        self.size = rounded
        fileOffset = 0
        loan = nil
        descriptor = owned
    }

    /// Takes over memory that a device lends or another process created and sent.
    ///
    /// - Parameter fileOffset: where it begins behind the descriptor, a multiple of the page size. A file must be long
    ///   enough; a device's descriptor has no length and is checked by its driver when a view is made.
    public init(
        name: String, taking descriptor: consuming OwnedDescriptor, at fileOffset: Int = 0, size: Int,
        loan: (any DeviceMemoryLoan)? = nil
    ) throws(DeviceMemoryError) {
        var status = stat()
        let result = unsafe fstat(descriptor.rawValue, &status)
        let isFile = status.st_mode & S_IFMT == S_IFREG
        let (end, overflow) = fileOffset.addingReportingOverflow(size)
        guard result == 0, size > 0, fileOffset >= 0, !overflow, !isFile || Int(status.st_size) >= end else {
            throw .cannotMap(name: name, bytes: size, errno: result == 0 ? EINVAL : errno)
        }
        self.name = name
        self.size = size
        self.fileOffset = fileOffset
        self.loan = loan
        self.descriptor = descriptor
    }

    /// The descriptor's number, borrowed: to map it, or to send it to another process.
    public var fileDescriptor: Int32 { descriptor.rawValue }

    /// Maps `length` bytes from `offset`; without `write` the view's mutable accessors fault.
    public func view(
        offset: Int = 0, length: Int? = nil, rights: AccessRights
    ) throws(DeviceMemoryError) -> MappedView {
        let length = length ?? size - offset
        guard offset >= 0, length > 0, offset <= size, length <= size - offset else {
            throw .cannotMap(name: name, bytes: length, errno: EINVAL)
        }
        var protection = PROT_NONE
        if rights.contains(.read) { protection |= PROT_READ }
        if rights.contains(.write) { protection |= PROT_WRITE }
        guard let base = unsafe shim_mmap(length, protection, MAP_SHARED, descriptor.rawValue, fileOffset + offset)
        else {
            throw .cannotMap(name: name, bytes: length, errno: errno)
        }
        return unsafe MappedView(base: base, count: length)
    }
}

/// A mapping with one owner, who unmaps it.
@safe @frozen public struct MappedView: ~Copyable, @unchecked Sendable {
    @usableFromInline let base: UnsafeMutableRawPointer
    /// Length in bytes.
    public let count: Int

    init(base: UnsafeMutableRawPointer, count: Int) {
        unsafe self.base = base
        self.count = count
    }

    deinit { unsafe MappedView.unmap(base, count) }

    /// Takes reading and writing away and keeps the address range reserved; false (errno) when the kernel refuses.
    public func protect() -> Bool { unsafe mprotect(base, count, PROT_NONE) == 0 }

    @usableFromInline static func unmap(_ base: UnsafeMutableRawPointer, _ count: Int) { unsafe munmap(base, count) }

    /// The mapped bytes; valid while this value lives.
    @inlinable public var bytes: MutableByteView { unsafe MutableByteView(base: base, count: count) }
}
