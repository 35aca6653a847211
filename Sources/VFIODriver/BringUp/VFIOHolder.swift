/// The process that has a VFIO group open, which unbinding would wait for without an end.
enum VFIOHolder {
    /// Its number and name; `nil` when there is none, or none that this user may see.
    static func of(group: Int, in tree: some SystemTree) -> String? {
        let node = "/dev/vfio/\(group)"
        for process in tree.names(in: "/proc") where process.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            let descriptors = "/proc/\(process)/fd"
            for descriptor in tree.names(in: descriptors)
            where tree.linkTarget(descriptors + "/" + descriptor) == node {
                return "process \(process) (\(tree.text("/proc/\(process)/comm") ?? "unknown"))"
            }
        }
        return nil
    }
}
