internal import Foundation

/// What this process's own memory map says of the device region.
enum MappingAudit {
    /// Mappings of the region that can be read or written, except those of one page, which is the flush page.
    static func accessibleSlots() -> Int {
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return -1 }
        var count = 0
        for line in maps.split(separator: "\n") where line.contains("memfd:device region") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 2, fields[1].contains("r") || fields[1].contains("w") else { continue }
            let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            if ends.count == 2 && ends[1] - ends[0] == 4096 { continue }
            count += 1
        }
        return count
    }
}
