import Glibc
import Testing

@testable import VFIODriver

/// Binding changes a machine completely or not at all, and never what the machine or its operator stands on.
@Suite struct BindTests {
    /// A NIC at the kernel's driver, alone in its group.
    private func machine() throws -> (FakeMachine, PCIAddress) {
        let machine = try FakeMachine()
        return (machine, machine.add("0000:01:00.0", driver: "igb", group: 7))
    }

    private func bind(
        _ address: PCIAddress, _ machine: FakeMachine, to driver: String = "vfio-pci", wholeGroup: Bool = false,
        force: Bool = false
    ) throws(BringUpError) {
        let plan = try BindPlan.bind(address, to: driver, wholeGroup: wholeGroup, force: force, in: machine)
        try plan.perform(in: machine)
    }

    private func unbind(
        _ address: PCIAddress, _ machine: FakeMachine, to driver: String? = nil, wholeGroup: Bool = false
    ) throws(BringUpError) {
        try BindPlan.unbind(address, to: driver, wholeGroup: wholeGroup, in: machine).perform(in: machine)
    }

    @Test("bind hands over and remembers; unbind restores driver and override, and forgets")
    func thereAndBack() throws {
        let (machine, address) = try machine()
        let before = machine.state
        try bind(address, machine)
        #expect(machine.driver(address) == "vfio-pci")
        #expect(machine.override(address) == "vfio-pci")
        #expect(BindRecord(of: address, in: machine) == BindRecord(target: "vfio-pci", driver: "igb"))
        try unbind(address, machine)
        #expect(machine.state == before)
    }

    @Test("an override that was there before is there again afterwards")
    func overrideComesBack() throws {
        let (machine, address) = try machine()
        machine.file(address.sysfs + "/driver_override", "igb\n")
        let before = machine.state
        try bind(address, machine)
        try unbind(address, machine)
        #expect(machine.state == before)
    }

    @Test("a function without driver has none again after unbind")
    func fromNoDriver() throws {
        let machine = try FakeMachine()
        let address = machine.add("0000:01:00.0", group: 7)
        try bind(address, machine)
        #expect(machine.driver(address) == "vfio-pci")
        try unbind(address, machine)
        #expect(machine.driver(address) == nil)
        #expect(machine.override(address) == "(null)")
    }

    @Test("what is bound already is left alone")
    func alreadyBound() throws {
        let machine = try FakeMachine()
        let address = machine.add("0000:01:00.0", driver: "vfio-pci", group: 7)
        try bind(address, machine)
        #expect(machine.writes.isEmpty)
    }

    @Test("a dry run names every change and makes none")
    func dryRun() throws {
        let (machine, address) = try machine()
        let plan = try BindPlan.bind(address, to: "vfio-pci", wholeGroup: false, force: false, in: machine)
        #expect(
            plan.commands == [
                "echo bound vfio-pci, before igb > /run/uiodrv/bound-0000:01:00.0",
                "echo 0000:01:00.0 > /sys/bus/pci/drivers/igb/unbind",
                "echo vfio-pci > /sys/bus/pci/devices/0000:01:00.0/driver_override",
                "echo 0000:01:00.0 > /sys/bus/pci/drivers/vfio-pci/bind",
            ])
        #expect(machine.writes.isEmpty)
    }

    @Test("a group is refused with its members named, and handed over whole with --group")
    func groups() throws {
        let (machine, address) = try machine()
        let second = machine.add("0000:01:00.1", driver: "igb", group: 7)
        machine.add("0000:00:1c.0", classCode: 0x060400, driver: "pcieport", group: 7)
        let idle = machine.add("0000:01:00.2", group: 7)
        let before = machine.state
        #expect(throws: BringUpError.groupInTheWay(address, members: ["0000:01:00.1 (igb)"])) {
            try bind(address, machine)
        }
        #expect(machine.writes.isEmpty)
        try bind(address, machine, wholeGroup: true)
        #expect(machine.driver(address) == "vfio-pci")
        #expect(machine.driver(second) == "vfio-pci")
        // Neither the bridge nor a member that nobody uses is touched.
        #expect(machine.driver(idle) == nil)
        try unbind(address, machine, wholeGroup: true)
        #expect(machine.state == before)
    }

    /// One machine a case, the error it must give, and that nothing was written.
    @Test("every refusal comes before the first change")
    func refusals() throws {
        func refused(_ expected: BringUpError, _ make: (FakeMachine) -> Void, _ attempt: (FakeMachine) throws -> Void)
            throws
        {
            let machine = try FakeMachine()
            make(machine)
            let before = machine.state
            #expect(throws: expected) { try attempt(machine) }
            #expect(machine.writes.isEmpty)
            #expect(machine.state == before)
        }
        guard let address = PCIAddress("0000:01:00.0") else { return }
        try refused(.noSuchFunction(address), { _ in }, { try bind(address, $0) })
        try refused(.badDriver("../x"), { $0.add("0000:01:00.0", group: 1) }, { try bind(address, $0, to: "../x") })
        try refused(
            .driverNotLoaded("uio"), { $0.add("0000:01:00.0", group: 1) }, { try bind(address, $0, to: "uio") })
        try refused(
            .bridge(address), { $0.add("0000:01:00.0", classCode: 0x060400, group: 1) }, { try bind(address, $0) })
        try refused(
            .noIOMMU(
                address,
                remedy:
                    "enable VT-d in the firmware and boot with intel_iommu=on (in /etc/default/grub, then update-grub)"),
            { $0.add("0000:01:00.0", driver: "igb") }, { try bind(address, $0) })
        try refused(
            .storage(address), { $0.add("0000:01:00.0", classCode: 0x010802, driver: "nvme", group: 1) },
            { try bind(address, $0) })
        try refused(
            .virtualFunctions(address, count: 4),
            {
                $0.add("0000:01:00.0", driver: "igb", group: 1)
                $0.file(address.sysfs + "/sriov_numvfs", "4\n")
            }, { try bind(address, $0) })
        try refused(
            .noRecord(address, driver: "igb"), { $0.add("0000:01:00.0", driver: "igb", group: 1) },
            { try unbind(address, $0) })
        try refused(
            .notOurs(address, driver: "other"),
            {
                $0.add("0000:01:00.0", driver: "other", group: 1)
                $0.file(BindRecord.path(address), "bound vfio-pci\ndriver igb\n")
            }, { try unbind(address, $0) })
        try refused(
            .driverNotLoaded("igb"),
            {
                $0.add("0000:01:00.0", driver: "vfio-pci", group: 1)
                $0.file(BindRecord.path(address), "bound vfio-pci\ndriver igb\n")
            }, { try unbind(address, $0) })
        try refused(
            .inUse(address, holder: "process 42 (uiodrv)"),
            {
                $0.add("0000:01:00.0", driver: "vfio-pci", group: 1)
                $0.file(BindRecord.path(address), "bound vfio-pci\n")
                $0.file("/proc/42/comm", "uiodrv\n")
                $0.link("/proc/42/fd/5", to: "/dev/vfio/1", literally: true)
            }, { try unbind(address, $0) })
    }

    @Test("the interface of the default route is refused, directly, over IPv6, below a bond, and taken with --force")
    func defaultRoute() throws {
        let expected = { (address: PCIAddress) in BringUpError.carriesDefaultRoute(address, interfaces: ["eth0"]) }
        func check(_ make: (FakeMachine) -> Void) throws {
            let machine = try FakeMachine()
            let address = machine.add("0000:01:00.0", driver: "igb", group: 7, interface: "eth0")
            make(machine)
            #expect(throws: expected(address)) { try bind(address, machine) }
            #expect(machine.writes.isEmpty)
            try bind(address, machine, force: true)
            #expect(machine.driver(address) == "vfio-pci")
        }
        try check { $0.route("eth0") }
        try check {
            let zero = String(repeating: "0", count: 32)
            $0.file(
                "/proc/net/ipv6_route",
                "\(zero) 00 \(zero) 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0\n")
        }
        try check {
            $0.route("bond0")
            $0.directory("/sys/class/net/bond0")
            $0.directory("/sys/class/net/bond0/lower_eth0")
        }
    }

    @Test("another interface, a route of one network and a rejected route are no reason to refuse")
    func otherRoutes() throws {
        let machine = try FakeMachine()
        let address = machine.add("0000:01:00.0", driver: "igb", group: 7, interface: "eth0")
        machine.route("eth1")
        let zero = String(repeating: "0", count: 32)
        machine.file(
            "/proc/net/ipv6_route", "\(zero) 00 \(zero) 00 \(zero) ffffffff 00000001 00000000 00200200     eth0\n")
        try bind(address, machine)
        #expect(machine.driver(address) == "vfio-pci")
    }

    @Test("a failure at any write of bind, of a group's bind, or of unbind leaves everything as it was")
    func rollBack() throws {
        typealias Attempt = (FakeMachine, PCIAddress) throws -> Void
        let attempts: [Attempt] = [
            { try self.bind($1, $0, wholeGroup: true) },
            { try self.unbind($1, $0, wholeGroup: true) },
        ]
        for (number, attempt) in attempts.enumerated() {
            var write = 1
            while true {
                let (machine, address) = try machine()
                machine.add("0000:01:00.1", driver: "igb", group: 7)
                if number == 1 { try bind(address, machine, wholeGroup: true) }
                let before = machine.state
                let start = machine.writes.count
                machine.failure = (start + write, EIO)
                var error: BringUpError?
                do {
                    try attempt(machine, address)
                } catch let thrown as BringUpError {
                    error = thrown
                }
                // Without an error there were fewer writes.
                guard let error else { break }
                guard case .rolledBack(let reason) = error else {
                    Issue.record("write \(write): \(error)")
                    break
                }
                #expect(machine.state == before, "write \(write): \(machine.writes[start...])")
                #expect(!reason.isEmpty)
                write += 1
            }
            // Bind writes 4 times a function, unbind 3 (its record is removed, not written).
            #expect(write == (number == 0 ? 9 : 7))
        }
    }

    @Test("a driver that does not let go, or does not take the function, is found out and taken back")
    func silentFailures() throws {
        let (machine, address) = try machine()
        // The kernel accepts the write, and vfio-pci does not know the function: its override is lost on the way.
        machine.failure = (3, 0)
        let before = machine.state
        let error = #expect(throws: BringUpError.self) { try bind(address, machine) }
        guard case .rolledBack(let reason)? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(reason.contains("vfio-pci"))
        #expect(machine.state == before)

        let (stuck, second) = try self.machine()
        stuck.failure = (2, 0)
        #expect(throws: BringUpError.rolledBack(reason: "igb did not let go of 0000:01:00.0")) {
            try bind(second, stuck)
        }
        #expect(stuck.driver(second) == "igb")
    }

    @Test("what could not be taken back is named")
    func halfDone() throws {
        let (machine, address) = try machine()
        machine.dead = 4
        let error = #expect(throws: BringUpError.self) { try bind(address, machine) }
        guard case .leftHalfDone(_, let left)? = error else { Issue.record("\(String(describing: error))"); return }
        #expect(left.count == 2)
        #expect(left.contains { $0.contains("driver_override") })
        #expect(left.contains { $0.contains("to igb") })
    }

    @Test("a bind that was killed on the way is put right by unbind")
    func killedOnTheWay() throws {
        for writes in 1...3 {
            let (machine, address) = try machine()
            let before = machine.state
            machine.dead = writes + 1
            #expect(throws: BringUpError.self) { try bind(address, machine) }
            machine.dead = nil
            guard BindRecord(of: address, in: machine) != nil else { continue }
            try unbind(address, machine)
            #expect(machine.state == before)
        }
    }

    @Test("a bind that was killed on the way and is made again is put right by unbind too")
    func boundAgain() throws {
        for writes in 1...3 {
            let (machine, address) = try machine()
            let before = machine.state
            machine.dead = writes + 1
            #expect(throws: BringUpError.self) { try bind(address, machine) }
            machine.dead = nil
            try bind(address, machine)
            try unbind(address, machine)
            #expect(machine.state == before)
        }
    }

    @Test("a record that somebody wrote is not trusted with a path")
    func recordNames() throws {
        let (machine, address) = try machine()
        machine.file(BindRecord.path(address), "bound vfio-pci\ndriver ../../../x\n")
        #expect(BindRecord(of: address, in: machine) == nil)
    }
}
