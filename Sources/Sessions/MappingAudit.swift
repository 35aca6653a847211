internal import Glibc

/// What this process's own memory map says of the device region.
enum MappingAudit {
    struct Finding: Equatable {
        /// Mappings of the region of any kind; the reservation makes it at least one, or the map was not read right.
        var mappings = 0
        /// Mappings that can be read or written, except those of one page, which is the flush page.
        var accessible = 0
    }

    /// Reads `/proc/self/maps` line by line (Foundation stops after the first page of a file without a size).
    static func deviceRegion() -> Finding {
        var finding = Finding()
        guard let file = unsafe fopen("/proc/self/maps", "re") else { return finding }
        defer { unsafe fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { unsafe free(line) }
        while unsafe getline(&line, &capacity, file) > 0 {
            guard let text = unsafe line.map({ unsafe String(cString: $0) }) else { break }
            count(text, &finding)
        }
        return finding
    }

    static func count(_ line: String, _ finding: inout Finding) {
        guard line.contains("memfd:device region") else { return }
        finding.mappings += 1
        let fields = line.split(separator: " ", omittingEmptySubsequences: true)
        guard fields.count >= 2, fields[1].contains("r") || fields[1].contains("w") else { return }
        let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
        if ends.count == 2 && ends[1] - ends[0] == 4096 { return }
        finding.accessible += 1
    }
}
