/// What a function was before it was handed over, kept in a file until it is given back.
struct BindRecord: Equatable {
    /// The driver that it was handed to.
    var target: String
    /// The driver that had it; `nil` for none.
    var driver: String?
    /// What `driver_override` said; `nil` for nothing.
    var override: String?

    private static let directory = "/run/uiodrv"

    static func path(_ address: PCIAddress) -> String { "\(directory)/bound-\(address)" }

    init(target: String, driver: String?, override: String? = nil) {
        self.target = target
        self.driver = driver
        self.override = override
    }

    /// The record of the function at `address`; `nil` when there is none, or none that can be understood.
    init?(of address: PCIAddress, in tree: some SystemTree) {
        var values: [String: String] = [:]
        for line in tree.lines(Self.path(address)) {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            guard parts.count == 2, Self.isDriverName(parts[1]) else { return nil }
            values[parts[0]] = parts[1]
        }
        guard let target = values["bound"] else { return nil }
        self.init(target: target, driver: values["driver"], override: values["override"])
    }

    /// A name becomes part of a path below sysfs, so it must not lead out of it.
    static func isDriverName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
    }

    /// Keeps the record; 0 or an error number. What was there stays when it fails.
    func save(_ address: PCIAddress, in tree: some SystemTree) -> Int32 {
        let code = tree.makeDirectory(Self.directory)
        guard code == 0 else { return code }
        let lines =
            ["bound \(target)"] + [driver.map { "driver \($0)" }, override.map { "override \($0)" }].compactMap { $0 }
        // Written beside it and moved: a write that is cut short leaves what was there.
        let partial = Self.path(address) + ".partial"
        var result = tree.write(lines.map { $0 + "\n" }.joined(), to: partial)
        if result == 0 { result = tree.move(partial, to: Self.path(address)) }
        if result != 0 { _ = tree.remove(partial) }
        return result
    }
}
