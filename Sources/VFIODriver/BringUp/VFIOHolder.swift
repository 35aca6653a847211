/// The process that has a node of VFIO open, a group's or a device's, which unbinding would wait for without an end.
enum VFIOHolder {
    /// Its number and name; `nil` when there is none, or none that this user may see.
    static func of(_ nodes: [String], in tree: some SystemTree) -> String? {
        for process in tree.names(in: "/proc") where process.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            let descriptors = "/proc/\(process)/fd"
            for descriptor in tree.names(in: descriptors)
            where tree.linkTarget(descriptors + "/" + descriptor).map(nodes.contains) == true {
                return "process \(process) (\(tree.text("/proc/\(process)/comm") ?? "unknown"))"
            }
        }
        return nil
    }
}
