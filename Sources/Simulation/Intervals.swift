/// A set of positions as sorted, disjoint, non-touching intervals.
struct Intervals: Equatable {
    struct Interval: Equatable {
        var start: Int
        var end: Int
    }

    private(set) var list: [Interval] = []

    /// The end of the interval that holds position 0; 0 when none does.
    var prefix: Int { list.first.map { $0.start <= 0 ? $0.end : 0 } ?? 0 }

    mutating func insert(_ start: Int, _ end: Int) {
        guard start < end else { return }
        // What grows at its end is the rule.
        if let last = list.last {
            if start >= last.start && start <= last.end {
                list[list.count - 1].end = max(last.end, end)
                return
            }
            if start > last.end {
                list.append(Interval(start: start, end: end))
                return
            }
        }
        var first = list.count
        while first > 0, list[first - 1].end >= start { first -= 1 }
        var after = first
        var merged = Interval(start: start, end: end)
        while after < list.count, list[after].start <= end {
            merged.start = min(merged.start, list[after].start)
            merged.end = max(merged.end, list[after].end)
            after += 1
        }
        list.replaceSubrange(first..<after, with: [merged])
    }

    func contains(_ start: Int, _ end: Int) -> Bool { list.contains { $0.start <= start && end <= $0.end } }
}
