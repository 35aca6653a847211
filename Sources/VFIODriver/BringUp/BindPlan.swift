/// The way of a function, and where asked of its whole IOMMU group, from one driver to another: checked before anything is
/// changed, and done completely or not at all.
public struct BindPlan: Sendable {
    /// The functions that change their driver, in order.
    public let functions: [PCIAddress]
    /// The driver that they get; `nil` for none.
    public let driver: String?
    private let steps: [BindStep]

    /// What will be done, as shell commands, in order; empty when everything is as it should be.
    public var commands: [String] { steps.map(\.description) }

    /// Does it.
    ///
    /// - Throws: ``BringUpError/rolledBack(reason:)`` when nothing has changed in the end, and
    ///   ``BringUpError/leftHalfDone(reason:left:)`` when something could not be taken back.
    public func perform(in tree: some SystemTree) throws(BringUpError) { try steps.perform(in: tree) }

    /// Plans to hand the function at `address` over to `driver`.
    ///
    /// - Parameters:
    ///   - wholeGroup: hand over what is in the way in its IOMMU group as well.
    ///   - force: even the interface of the default route, storage, and functions with virtual functions.
    public static func bind(
        _ address: PCIAddress, to driver: String, wholeGroup: Bool, force: Bool, in tree: some SystemTree
    ) throws(BringUpError) -> BindPlan {
        guard tree.exists(address.sysfs) else { throw .noSuchFunction(address) }
        guard BindRecord.isDriverName(driver) else { throw .badDriver(driver) }
        let own = IOMMUGroup.Member(address, in: tree)
        guard !own.isBridge else { throw .bridge(address) }
        guard tree.exists("/sys/bus/pci/drivers/\(driver)") else { throw .driverNotLoaded(driver) }
        var members = [own]
        if driver == "vfio-pci" {
            guard let group = IOMMUGroup(of: address, in: tree) else {
                throw .noIOMMU(address, remedy: IOMMUState(tree).remedy)
            }
            let others = group.members.filter { $0.address != address && $0.isInTheWay }
            guard others.isEmpty || wholeGroup else {
                throw .groupInTheWay(address, members: others.map { "\($0.address) (\($0.driver ?? "none"))" })
            }
            if let bridge = others.first(where: \.isBridge) { throw .bridge(bridge.address) }
            members += others
        }
        members = members.filter { $0.driver != driver }
        try refuseWhatIsInUse(members.filter { $0.driver == "vfio-pci" }.map(\.address), in: tree)
        if !force { try refuseWhatIsNeeded(members, in: tree) }
        var steps: [BindStep] = []
        for member in members {
            // The kernel shows "(null)" when nothing is set.
            let text = tree.text(member.address.sysfs + "/driver_override")
            let override = text.flatMap { $0.isEmpty || $0 == "(null)" || !BindRecord.isDriverName($0) ? nil : $0 }
            let kept = BindRecord(of: member.address, in: tree)
            var record = BindRecord(target: driver, driver: member.driver, override: override)
            // Handed over before, and not given back: what it was then is what it goes back to.
            if let kept, member.driver == nil || member.driver == kept.target {
                record.driver = kept.driver
                record.override = kept.override
            }
            steps.append(.remember(member.address, record, before: kept))
            if let now = member.driver { steps.append(.release(member.address, driver: now)) }
            steps.append(.override(member.address, driver, before: override))
            steps.append(.attach(member.address, driver: driver))
        }
        return BindPlan(functions: members.map(\.address), driver: driver, steps: steps)
    }

    /// Plans to give the function at `address` back to the driver that had it.
    ///
    /// - Parameters:
    ///   - driver: the driver that gets it; `nil` is the one that had it when it was bound.
    ///   - wholeGroup: give back every member of its IOMMU group that was handed over.
    public static func unbind(
        _ address: PCIAddress, to driver: String?, wholeGroup: Bool, in tree: some SystemTree
    ) throws(BringUpError) -> BindPlan {
        guard tree.exists(address.sysfs) else { throw .noSuchFunction(address) }
        if let driver, !BindRecord.isDriverName(driver) { throw .badDriver(driver) }
        let group = IOMMUGroup(of: address, in: tree)
        var addresses = [address]
        if wholeGroup {
            addresses += (group?.members ?? []).map(\.address).filter {
                $0 != address && BindRecord(of: $0, in: tree) != nil
            }
        }
        try refuseWhatIsInUse(addresses, in: tree)
        var steps: [BindStep] = []
        var target: String?
        for each in addresses {
            let record = BindRecord(of: each, in: tree)
            let now = BindStep.driver(of: each, in: tree)
            guard record != nil || driver != nil else { throw .noRecord(each, driver: now) }
            let former = each == address ? driver ?? record?.driver : record?.driver
            if let record, let now, now != record.target, now != former { throw .notOurs(each, driver: now) }
            if let former, !tree.exists("/sys/bus/pci/drivers/\(former)") { throw .driverNotLoaded(former) }
            if let now, now != former { steps.append(.release(each, driver: now)) }
            steps.append(.override(each, record?.override, before: record?.target ?? now))
            if let former, now != former { steps.append(.attach(each, driver: former)) }
            if let record { steps.append(.forget(each, record)) }
            if each == address { target = former }
        }
        return BindPlan(functions: addresses, driver: target, steps: steps)
    }

    /// Refuses functions that a process drives: the kernel would wait for it without an end.
    private static func refuseWhatIsInUse(
        _ addresses: [PCIAddress], in tree: some SystemTree
    ) throws(BringUpError) {
        for address in addresses {
            var nodes = tree.names(in: address.sysfs + "/vfio-dev").map { "/dev/vfio/devices/\($0)" }
            if let group = IOMMUGroup(of: address, in: tree) { nodes.append("/dev/vfio/\(group.number)") }
            if let holder = VFIOHolder.of(nodes, in: tree) { throw .inUse(address, holder: holder) }
        }
    }

    /// Refuses what a machine, or its operator, is likely to stand on.
    private static func refuseWhatIsNeeded(
        _ members: [IOMMUGroup.Member], in tree: some SystemTree
    ) throws(BringUpError) {
        let routed = DefaultRoute.interfaces(tree)
        for member in members {
            let carried = PCIFunction.interfaces(of: member.address, in: tree).filter { routed.contains($0) }
            if !carried.isEmpty { throw .carriesDefaultRoute(member.address, interfaces: carried) }
            if member.isStorage, member.driver != nil { throw .storage(member.address) }
            if let count = tree.number(member.address.sysfs + "/sriov_numvfs"), count > 0 {
                throw .virtualFunctions(member.address, count: count)
            }
        }
    }
}
