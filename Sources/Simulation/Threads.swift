internal import Foundation

/// Threads that run the same work and end.
enum Threads {
    static func run(_ count: Int, _ work: @escaping @Sendable () -> Void) {
        if count <= 1 { return work() }
        let group = DispatchGroup()
        let queue = DispatchQueue(label: "simulation", attributes: .concurrent)
        for _ in 0..<count { queue.async(group: group, execute: DispatchWorkItem(block: work)) }
        group.wait()
    }
}
