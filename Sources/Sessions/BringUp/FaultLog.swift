internal import Glibc

/// The kernel's own words on IOMMU faults.
enum FaultLog {
    /// The kernel's release, for reports.
    static var kernelVersion: String {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return "unknown" }
        return unsafe withUnsafeBytes(of: &names.release) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// The newest line that an IOMMU wrote, or where to look for it.
    static func newest() -> String {
        let place = "the kernel's log (dmesg) has a line with DMAR or AMD-Vi for each access that the IOMMU refused"
        let descriptor = unsafe open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return place + "; it is not readable here" }
        defer { close(descriptor) }
        var newest: String?
        var record = [UInt8](repeating: 0, count: 8192)
        // A record a read (Documentation/ABI/testing/dev-kmsg); EPIPE says that some were overwritten meanwhile.
        for _ in 0..<65536 {
            let count = unsafe record.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EPIPE { continue }
            guard count > 0 else { break }
            let line = String(decoding: record[..<count].prefix { $0 != 10 }, as: UTF8.self)
            let text = line.split(separator: ";", maxSplits: 1).last.map(String.init) ?? line
            if text.contains("DMAR") || text.contains("AMD-Vi") || text.contains("IO_PAGE_FAULT") { newest = text }
        }
        return newest.map { "the kernel says: \($0)" } ?? place + "; it has none now"
    }
}
