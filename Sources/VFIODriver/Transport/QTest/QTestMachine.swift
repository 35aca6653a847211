public import DeviceMemory
internal import Glibc
internal import Timeline

/// A QEMU whose processor is halted and whose devices this program drives: a network controller and, as its peer, a PCI
/// device whose memory is the device region.
///
/// Registers go over the qtest socket. The machine's RAM and the peer's memory are memfds that QEMU inherits, so that DMA lands
/// where this program sees it; an address in RAM is an offset in its memfd. Frames come and go over a datagram socket, one each.
/// One thread uses a machine, and QEMU ends with that thread.
@safe public final class QTestMachine {
    /// The families that QEMU has models of.
    public static let families: [NICFamily] = [.igb, .e1000e]
    /// Where RAM for drivers begins: below are the areas of a PC that are not plain memory.
    private static let firstUsable = 1 << 20
    /// Longest wait for one answer, in seconds: QEMU starts in a tenth of one on an idle machine.
    private static let patience = 30

    /// The controller and its peer.
    let functions: Functions
    private let regionFile: FileIdentity
    /// Behind a pointer, so that register accesses cost neither reference counts nor exclusivity checks.
    let connection: UnsafeMutablePointer<QTestConnection>
    private let process: QEMUProcess
    private let ram: MemoryObject
    private let view: MappedView
    private var used = QTestMachine.firstUsable
    private var wire: OwnedDescriptor?
    /// Which QEMU this is, as it says itself.
    public let version: String

    /// Starts QEMU with a controller of `family` and `region` as the memory of its peer.
    ///
    /// - Parameters:
    ///   - macAddress: what the controller's NVM holds, 6 bytes.
    ///   - memoryBytes: RAM, for rings and headers.
    ///   - region: stays the caller's; it grows to a power of two, as a PCI window must.
    ///   - searchPath: directories to look for QEMU in, as in the environment's PATH.
    public init(
        _ family: NICFamily, macAddress: [UInt8], memoryBytes: Int = 64 << 20, region: borrowing MemoryObject,
        searchPath: String
    ) throws(DriverError) {
        guard Self.families.contains(family) else { throw .qemuHasNone(family: family) }
        let installation = try QEMUInstallation(searchPath: searchPath)
        let parts = try Parts(memoryBytes: memoryBytes, region: region)
        let bus = try SocketPair(SOCK_STREAM)
        let cable = try SocketPair(SOCK_DGRAM)
        let command = QEMUCommand(
            family: family, macAddress: macAddress, memoryBytes: parts.ram.size, regionBytes: parts.regionBytes)
        let process = try QEMUProcess(
            executable: installation.path, arguments: command.arguments,
            descriptors: [
                parts.firmware.fileDescriptor, parts.ram.fileDescriptor, region.fileDescriptor, bus.far.rawValue,
                cable.far.rawValue,
            ])
        // QEMU's ends must be QEMU's alone, or its death would not be seen.
        let near = bus.takeNear()
        let nearWire = cable.takeNear()
        let connection = UnsafeMutablePointer<QTestConnection>.allocate(capacity: 1)
        unsafe connection.initialize(to: QTestConnection(taking: near, seconds: Self.patience))
        do {
            functions = try unsafe Functions(connection, regionBytes: parts.regionBytes, process)
        } catch {
            unsafe connection.deinitialize(count: 1)
            unsafe connection.deallocate()
            throw error
        }
        unsafe self.connection = connection
        self.process = process
        regionFile = parts.regionFile
        ram = parts.ram
        view = parts.view
        wire = consume nearWire
        version = installation.version
    }

    deinit {
        unsafe connection.deinitialize(count: 1)
        unsafe connection.deallocate()
    }

    /// Whether QEMU no longer answers; everything reads all ones then.
    public var isGone: Bool { unsafe connection.pointee.isGone }

    /// Looks whether QEMU has ended although nothing was asked of it: one system call. The answer is ``isGone``.
    public func look() { unsafe connection.pointee.look() }

    /// The last thing that QEMU wrote on its standard error: why it is gone, perhaps.
    public var lastWords: String { process.lastWords }

    /// Ends QEMU at once.
    func kill() { process.kill() }

    /// The far end of the cable: a datagram socket, one raw Ethernet frame each, both ways. Can be taken once.
    public func takeWire() -> OwnedDescriptor? { wire.take() }

    /// RAM from `offset` on, as this program sees it; valid while the machine lives.
    public var memory: MutableByteView { view.bytes }

    /// Carves memory that the controller reaches; its I/O address is its offset in RAM.
    public func allocate(bytes: Int, alignment: Int = 4096) throws(DeviceMemoryError) -> HostBlock {
        let start = (used + alignment - 1) & ~(alignment - 1)
        guard bytes > 0, bytes <= ram.size, start <= ram.size - bytes else {
            throw .arenaFull(name: "QEMU's RAM", requested: bytes, free: ram.size - used)
        }
        used = start + bytes
        return HostBlock(bytes: view.bytes.slice(start, bytes), iova: IOVA(UInt64(start)))
    }

    /// The I/O address of the peer's memory when that is `region`.
    func address(ofRegion region: borrowing MemoryObject) throws(DeviceMemoryError) -> IOVA {
        guard FileIdentity(region.fileDescriptor) == regionFile else { throw .notReachable(name: region.name) }
        return peerAddress
    }

    /// Where the peer's memory is on the bus.
    var peerAddress: IOVA { IOVA(functions.peerWindow.address) }

    /// Whether the peer answers memory cycles. When it does not, writes to the region are lost, and no device says so.
    public func setPeerDecoding(_ on: Bool) {
        functions.peer.command(set: on ? PCIConfig.commandMemory : 0, clear: PCIConfig.commandMemory)
    }

    /// Bytes of the peer's memory from `offset` on, over the bus: a read there proves that payload written before has arrived.
    func peerBus(at offset: Int) -> QTestBus {
        let start = min(UInt64(max(offset, 0)), functions.peerWindow.size)
        return unsafe QTestBus(
            connection, base: functions.peerWindow.address + start, count: functions.peerWindow.size - start)
    }
}

extension QTestMachine {
    /// What QEMU works on.
    private struct Parts: ~Copyable {
        let firmware: MemoryObject
        let ram: MemoryObject
        let view: MappedView
        let regionBytes: Int
        let regionFile: FileIdentity

        init(memoryBytes: Int, region: borrowing MemoryObject) throws(DriverError) {
            var size = 4096
            while size < region.size { size <<= 1 }
            guard ftruncate(region.fileDescriptor, off_t(size)) == 0 else {
                throw .memory(.cannotCreate(name: region.name, bytes: size, errno: errno))
            }
            self = try Self.make(memoryBytes, regionBytes: size, FileIdentity(region.fileDescriptor))
        }

        private init(
            firmware: consuming MemoryObject, ram: consuming MemoryObject, view: consuming MappedView, regionBytes: Int,
            regionFile: FileIdentity
        ) {
            self.firmware = firmware
            self.ram = ram
            self.view = view
            self.regionBytes = regionBytes
            self.regionFile = regionFile
        }

        private static func make(
            _ memoryBytes: Int, regionBytes: Int, _ file: FileIdentity
        ) throws(DriverError) -> Parts {
            do throws(DeviceMemoryError) {
                let firmware = try Firmware.make()
                let ram = try MemoryObject(name: "QEMU's RAM", size: memoryBytes)
                let view = try ram.view(rights: .readWrite)
                return Parts(
                    firmware: firmware, ram: ram, view: view, regionBytes: regionBytes, regionFile: file)
            } catch {
                throw .memory(error)
            }
        }
    }

    /// The PCI functions, with addresses and answering.
    struct Functions {
        let nic: QTestFunction
        let windows: [QTestFunction.Window]
        let peer: QTestFunction
        let peerWindow: QTestFunction.Window

        init(
            _ connection: UnsafeMutablePointer<QTestConnection>, regionBytes: Int, _ process: borrowing QEMUProcess
        ) throws(DriverError) {
            let nic = unsafe QTestFunction(connection, slot: QEMUCommand.nicSlot)
            let peer = unsafe QTestFunction(connection, slot: QEMUCommand.peerSlot)
            guard nic.read32(PCIConfig.identity) != .max, peer.read32(PCIConfig.identity) != .max else {
                let ended = process.waitForEnd(.seconds(1))
                throw ended
                    ? .qemuDied(during: "its start", words: process.lastWords) : .qemuSilent(during: "its start")
            }
            let windows: [QTestFunction.Window]
            let peerWindows: [QTestFunction.Window]
            do {
                var layout = QTestLayout()
                windows = try nic.placeWindows(&layout)
                peerWindows = try peer.placeWindows(&layout)
            } catch {
                throw .memory(error)
            }
            // ivshmem shows its memory in window 2 (QEMU, docs/specs/ivshmem-spec).
            guard let window = peerWindows.first(where: { $0.index == 2 }), window.size == UInt64(regionBytes) else {
                throw .qemuDied(during: "its start", words: "the peer device shows no window of \(regionBytes) bytes")
            }
            nic.command(set: PCIConfig.commandMemory)
            peer.command(set: PCIConfig.commandMemory)
            self.nic = nic
            self.windows = windows
            self.peer = peer
            peerWindow = window
        }
    }
}

/// Which file a descriptor is of.
private struct FileIdentity: Equatable {
    let device: UInt
    let inode: UInt

    init(_ descriptor: Int32) {
        var status = stat()
        unsafe fstat(descriptor, &status)
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }
}

/// A BIOS that halts: 64 KiB of HLT, with CLI; HLT; JMP -3 where an x86 processor starts, 16 bytes below the end.
private enum Firmware {
    static func make() throws(DeviceMemoryError) -> MemoryObject {
        let size = 64 << 10
        let object = try MemoryObject(name: "halting BIOS", size: size)
        let view = try object.view(rights: .readWrite)
        view.bytes.fill(0xF4)
        for (index, byte) in [0xFA, 0xF4, 0xEB, 0xFD].enumerated() { view.bytes[size - 16 + index] = UInt8(byte) }
        return object
    }
}
