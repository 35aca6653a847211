/// The command line of a ``QTestMachine``. Everything that QEMU works on is a descriptor that it inherits, in this order:
/// firmware, RAM, region, qtest socket, wire.
struct QEMUCommand {
    /// Device number of the controller on bus 0.
    static let nicSlot = 3
    /// Device number of its peer.
    static let peerSlot = 4

    let family: NICFamily
    let macAddress: [UInt8]
    let memoryBytes: Int
    let regionBytes: Int

    var arguments: [String] {
        let mac = macAddress.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
        let kib = memoryBytes >> 10
        return [
            "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-accel", "tcg",
            "-machine", "q35,memory-backend=ram", "-m", "\(kib)k", "-bios", "/proc/self/fd/3",
            "-object", "memory-backend-file,id=ram,size=\(kib)k,mem-path=/proc/self/fd/4,share=on",
            "-object", "memory-backend-file,id=peer,size=\(regionBytes >> 10)k,mem-path=/proc/self/fd/5,share=on",
            "-device", "ivshmem-plain,memdev=peer,addr=\(Self.peerSlot).0",
            "-chardev", "socket,id=qtest,fd=6", "-qtest", "chardev:qtest", "-qtest-log", "/dev/null",
            "-netdev", "dgram,id=wire,local.type=fd,local.str=7",
            // No option ROM: it is in another package, and nothing here boots.
            "-device",
            "\(family.rawValue),netdev=wire,addr=\(Self.nicSlot).0,romfile=,mac=\(mac.joined(separator: ":"))",
        ]
    }
}
