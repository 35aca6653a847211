internal import Glibc

/// What this process's own memory map says of the device region.
enum MappingAudit {
    struct Finding: Equatable {
        /// Mappings of the region of any kind; the reservation makes it at least one, or the map was not read right.
        var mappings = 0
        /// Mappings of any part of it that can be read or written: none is needed, not even of the flush page, which is read
        /// over the device's bus.
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
        finding.accessible += 1
    }
}
