internal import DeviceMemory
internal import Glibc

/// What this process's own memory map says of the device region.
enum MappingAudit {
    struct Finding: Equatable {
        /// Mappings of the slots of any kind; the reservation makes it at least one, or the map was not read right.
        var mappings = 0
        /// Mappings of any part of the slots that can be read or written.
        var accessible = 0
    }

    /// A piece of a file as the memory map shows it.
    struct Memory: Equatable {
        /// Major and minor number of the file system, in hexadecimal.
        var device: String
        var inode: UInt64
        /// Where the piece lies in the file.
        var range: Range<UInt64>

        init(device: String, inode: UInt64, range: Range<UInt64>) {
            self.device = device
            self.inode = inode
            self.range = range
        }

        /// The slots of a region, without its flush page: that may be read, where no device reads it for the stack.
        init(slotsOf region: borrowing DeviceRegion) {
            var status = stat()
            let known = unsafe fstat(region.object.fileDescriptor, &status) == 0
            let start = UInt64(region.object.fileOffset)
            // glibc's packing of major and minor numbers (sys/sysmacros.h).
            let number = UInt64(status.st_dev)
            let numbers = [
                number >> 8 & 0xFFF | number >> 32 & ~0xFFF, number & 0xFF | number >> 12 & 0xFFFF_FF00,
            ]
            device = numbers.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined(
                separator: ":")
            inode = known ? UInt64(status.st_ino) : 0
            range = start..<(start + UInt64(region.slotBytes))
        }
    }

    /// Reads `/proc/self/maps` line by line (Foundation stops after the first page of a file without a size).
    static func look(for memory: Memory) -> Finding {
        var finding = Finding()
        guard let file = unsafe fopen("/proc/self/maps", "re") else { return finding }
        defer { unsafe fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { unsafe free(line) }
        while unsafe getline(&line, &capacity, file) > 0 {
            guard let text = unsafe line.map({ unsafe String(cString: $0) }) else { break }
            count(text, memory, &finding)
        }
        return finding
    }

    /// Takes in one line: `START-END RIGHTS OFFSET DEVICE INODE NAME` (proc(5)).
    ///
    /// Kernels before 6.10 give all VFIO devices one inode: another device's registers at the same offset then count as slots,
    /// which can fail a proof and never makes one.
    static func count(_ line: String, _ memory: Memory, _ finding: inout Finding) {
        let fields = line.split(whereSeparator: \.isWhitespace)
        guard fields.count >= 5, fields[3] == memory.device, UInt64(fields[4]) == memory.inode,
            let offset = UInt64(fields[2], radix: 16)
        else { return }
        let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
        guard ends.count == 2, ends[0] < ends[1] else { return }
        let (end, overflow) = offset.addingReportingOverflow(ends[1] - ends[0])
        guard offset < memory.range.upperBound, overflow || end > memory.range.lowerBound else { return }
        finding.mappings += 1
        if fields[1].contains("r") || fields[1].contains("w") { finding.accessible += 1 }
    }
}
