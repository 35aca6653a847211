internal import DeviceMemory
internal import Glibc

/// One change on the way of a function from one driver to another, and how it is taken back.
enum BindStep {
    /// Keep what the function was; `before` is what was kept until now.
    case remember(PCIAddress, BindRecord, before: BindRecord?)
    /// Forget it.
    case forget(PCIAddress, BindRecord)
    /// Take the function from the driver that has it.
    case release(PCIAddress, driver: String)
    /// Say which driver alone may have it; `nil` leaves that to the ids.
    case override(PCIAddress, String?, before: String?)
    /// Give it to a driver.
    case attach(PCIAddress, driver: String)

    /// What is done, as a command line would have it.
    var description: String {
        switch self {
        case .remember(let address, let record, _):
            "echo bound \(record.target), before \(record.driver ?? "none") > \(BindRecord.path(address))"
        case .forget(let address, _): "rm -f \(BindRecord.path(address))"
        case .release(let address, let driver): "echo \(address) > \(Self.file(driver, "unbind"))"
        case .override(let address, let name, _): "echo \(name ?? "") > \(address.sysfs)/driver_override"
        case .attach(let address, let driver): "echo \(address) > \(Self.file(driver, "bind"))"
        }
    }

    /// Does it; `nil` or why it could not be done.
    func perform(in tree: some SystemTree) -> String? {
        switch self {
        case .remember(let address, let record, _):
            return Self.failure(record.save(address, in: tree), "write \(BindRecord.path(address))")
        case .forget(let address, _):
            return Self.failure(tree.remove(BindRecord.path(address)), "remove \(BindRecord.path(address))")
        case .release(let address, let driver):
            let code = tree.write("\(address)\n", to: Self.file(driver, "unbind"))
            if let failure = Self.failure(code, "take \(address) from \(driver)") { return failure }
            return Self.driver(of: address, in: tree) == nil ? nil : "\(driver) did not let go of \(address)"
        case .override(let address, let name, _):
            // An empty line clears it.
            let code = tree.write("\(name ?? "")\n", to: address.sysfs + "/driver_override")
            return Self.failure(code, "write driver_override of \(address)")
        case .attach(let address, let driver):
            // The driver's own file and not drivers_probe: it answers with the driver's error, and no other driver that
            // matches can come first.
            let code = tree.write("\(address)\n", to: Self.file(driver, "bind"))
            if let failure = Self.failure(code, "give \(address) to \(driver)") { return failure }
            return Self.driver(of: address, in: tree) == driver ? nil : "\(driver) did not take \(address)"
        }
    }

    /// Takes it back; `nil` or why it could not be.
    func undo(in tree: some SystemTree) -> String? {
        switch self {
        case .remember(let address, let record, let before):
            (before.map { .remember(address, $0, before: record) } ?? BindStep.forget(address, record)).perform(
                in: tree)
        case .forget(let address, let record): BindStep.remember(address, record, before: nil).perform(in: tree)
        case .release(let address, let driver): BindStep.attach(address, driver: driver).perform(in: tree)
        case .override(let address, let name, let before):
            BindStep.override(address, before, before: name).perform(in: tree)
        case .attach(let address, let driver): BindStep.release(address, driver: driver).perform(in: tree)
        }
    }

    static func driver(of address: PCIAddress, in tree: some SystemTree) -> String? {
        tree.linkName(address.sysfs + "/driver")
    }

    private static func file(_ driver: String, _ name: String) -> String { "/sys/bus/pci/drivers/\(driver)/\(name)" }

    private static func failure(_ code: Int32, _ what: String) -> String? {
        guard code != 0 else { return nil }
        let hint =
            switch code {
            case EACCES, EPERM, EROFS: "; it takes root and a writable sysfs"
            case ENOENT: "; the driver is not loaded"
            default: "; the kernel's log (dmesg) may say more"
            }
        return "cannot \(what): \(systemMessage(code))\(hint)"
    }
}

extension [BindStep] {
    /// Does all steps, or none: what was done before a failure is taken back in reverse.
    func perform(in tree: some SystemTree) throws(BringUpError) {
        for (index, step) in enumerated() {
            guard let reason = step.perform(in: tree) else { continue }
            var left: [String] = []
            for done in self[..<index].reversed() {
                // What is left half done is put right with the record, so that one stays.
                if case .remember = done, !left.isEmpty { continue }
                if let trouble = done.undo(in: tree) { left.append(trouble) }
            }
            throw left.isEmpty ? .rolledBack(reason: reason) : .leftHalfDone(reason: reason, left: left)
        }
    }
}
