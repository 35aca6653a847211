internal import DeviceMemory
internal import Glibc

/// What the kernel says of accesses that its IOMMU refused a device.
///
/// A device reports no error for a write that was refused: its descriptors complete as always. The kernel's log is the only
/// place where such a write is named, where it may be read (root, or kernel.dmesg_restrict=0), and it is rate-limited there:
/// the number of lines is a lower bound.
public struct IOMMUFaultLog: ~Copyable {
    private let descriptor: OwnedDescriptor

    /// Begins at the log's present end; `nil` when this process may not read the log.
    public init?() {
        let fd = unsafe open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard fd >= 0 else { return nil }
        descriptor = OwnedDescriptor(taking: fd)
        lseek(fd, 0, SEEK_END)
    }

    /// The lines that name `address` (`DDDD:BB:DD.F`) since the beginning or the last call.
    public borrowing func faults(of address: String) -> [String] {
        var lines: [String] = []
        // One record a read; the kernel's are at most 1 KiB with their prefix (CONSOLE_EXT_LOG_MAX is 8 KiB).
        var record = [UInt8](repeating: 0, count: 8192)
        while true {
            let n = unsafe record.withUnsafeMutableBytes {
                unsafe read(descriptor.rawValue, $0.baseAddress, $0.count)
            }
            // EPIPE: records were overwritten before they were read; the next read goes on behind them.
            if n < 0 && (errno == EINTR || errno == EPIPE) { continue }
            guard n > 0 else { return lines }
            let text = String(decoding: record[0..<n], as: UTF8.self)
            if let line = Self.fault(in: text, of: address) { lines.append(line) }
        }
    }

    /// The message of a record (`PRIORITY,SEQUENCE,TIME,FLAGS;MESSAGE`, Documentation/ABI/testing/dev-kmsg) when it is a fault
    /// of the device: VT-d names it `[BB:DD.F]`, AMD-Vi `device=DDDD:BB:DD.F`.
    static func fault(in record: String, of address: String) -> String? {
        guard let start = record.firstIndex(of: ";") else { return nil }
        let message = record[record.index(after: start)...].prefix { $0 != "\n" }
        let short = address.split(separator: ":", maxSplits: 1).last ?? ""
        let isIntel = message.contains("DMAR:") && message.contains("fault addr") && message.contains("[\(short)]")
        let isAMD = message.contains("IO_PAGE_FAULT") && message.contains("device=\(address)")
        return isIntel || isAMD ? String(message) : nil
    }
}
