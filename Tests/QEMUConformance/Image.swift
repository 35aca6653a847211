import DeviceMemory

/// Everything that a controller left behind after a batch of frames, without the addresses that it was given.
struct Image: Equatable {
    /// The words of each descriptor by queue; a descriptor that is still as it was posted has none.
    var descriptors: [[[UInt64]]] = []
    /// Ring heads by queue.
    var heads: [UInt32] = []
    /// All header buffers.
    var headers: [UInt8] = []
    /// All payload buffers.
    var payload: [UInt8] = []
    /// Statistics by name.
    var statistics: [String: UInt32] = [:]

    /// Where this differs from `other`, in words.
    func differences(_ other: Image, headerSize: Int, slotSize: Int, perQueue: Int) -> [String] {
        var result: [String] = []
        for queue in descriptors.indices {
            if heads[queue] != other.heads[queue] {
                result.append("queue \(queue) RDH \(heads[queue]) / \(other.heads[queue])")
            }
            for index in descriptors[queue].indices where descriptors[queue][index] != other.descriptors[queue][index] {
                let mine = descriptors[queue][index].map { hex($0) }.joined(separator: " ")
                let theirs = other.descriptors[queue][index].map { hex($0) }.joined(separator: " ")
                result.append(
                    "queue \(queue) descriptor \(index): \(mine.isEmpty ? "untouched" : mine) / \(theirs.isEmpty ? "untouched" : theirs)"
                )
            }
        }
        result += Self.buffers("header", headers, other.headers, headerSize, perQueue)
        result += Self.buffers("payload", payload, other.payload, slotSize, perQueue)
        for (name, value) in statistics.sorted(by: { $0.key < $1.key }) where other.statistics[name] != value {
            result.append("\(name) \(value) / \(other.statistics[name] ?? 0)")
        }
        return result
    }

    private static func buffers(
        _ kind: String, _ mine: [UInt8], _ theirs: [UInt8], _ size: Int, _ perQueue: Int
    ) -> [String] {
        guard mine != theirs else { return [] }
        return stride(from: 0, to: min(mine.count, theirs.count), by: size).compactMap { start in
            guard let offset = (start..<(start + size)).first(where: { mine[$0] != theirs[$0] }) else { return nil }
            let buffer = start / size
            return
                "\(kind) buffer \(buffer % perQueue) of queue \(buffer / perQueue) from byte \(offset - start): \(hex(Array(mine[offset..<min(offset + 8, start + size)]))) / \(hex(Array(theirs[offset..<min(offset + 8, start + size)])))"
        }
    }
}
