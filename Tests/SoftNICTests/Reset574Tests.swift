import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// State after a reset, EEPROM, PHY and semaphores of the 82574.
@Suite struct Reset574Tests {
    /// device-model section 3: as read from QEMU 10.0.2 after CTRL.RST with a connected wire.
    static let values: [(UInt32, UInt32)] = [
        (I82574.ctrl.offset, 0x0014_0241), (I82574.ctrlDup.offset, 0x0014_0241), (I82574.status.offset, 0x0008_0283),
        (I82574.eecd.offset, 0x300), (I82574.eerd.offset, 2), (I82574.ctrlExt.offset, 0), (I82574.rctl.offset, 0),
        (I82574.rfctl.offset, 0), (I82574.mrqc.offset, 0), (I82574.icr.offset, 0), (I82574.ims.offset, 0),
        (I82574.ivar.offset, 0), (I82574.tctl.offset, 0), (I82574.pba.offset, 0x0014_0014),
        (I82574.psrctl.offset, 0x0004_0402), (I82574.rxdctl(0).offset, 0x0001_0000),
        (I82574.rxdctl(1).offset, 0x0001_0000), (I82574.txdctl(0).offset, 0), (I82574.tarc(0).offset, 0x403),
        (I82574.tarc(1).offset, 0x403), (I82574.rxcsum.offset, 0x300), (I82574.swsm.offset, 1),
        (I82574.extcnfCtrl.offset, 8), (I82574.eemngctl.offset, 0x8000_0000), (I82574.manc.offset, 0x1000_0000),
        (I82574.factps.offset, 0x2000_0004), (I82574.gcr.offset, 0x0680_0200), (I82574.ledctl.offset, 0x0006_8302),
        (I82574.tipg.offset, 0x0060_2008), (I82574.vet.offset, 0x8100), (I82574.ral(0).offset, 0x1200_5452),
        (I82574.rah(0).offset, 0x8000_5634),
    ]

    @Test func resetValues() throws {
        let bench = try Bench(i82574: .qemu)
        bench.bus.modify(I82574.ctrl) { $0[.reset] = true }
        bench.run(.microseconds(2))
        for (offset, value) in Self.values {
            #expect(bench.bus.read32(offset) == value, "\(String(offset, radix: 16))")
        }
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    @Test func resetKeepsThePacketBufferAllocationOnly() throws {
        let bench = try Bench(i82574: .strict)
        bench.bus.write(I82574.pba, .init(rawValue: 0x0008_0020))
        bench.bus.write(I82574.itr, PlainValue(77))
        bench.start574(.split)
        bench.send(FrameRecipe())
        bench.bus.modify(I82574.ctrl) { $0[.reset] = true }
        bench.run(.microseconds(2))
        #expect(bench.bus.read(I82574.pba).rawValue == 0x0008_0020)
        #expect(bench.bus.read(I82574.itr).rawValue == 0 && bench.bus.read(I82574.rdh(0)).rawValue == 0)
        #expect(!bench.bus.read(I82574.rctl)[.enable])
    }

    @Test func configurationSpaceSaysWhatItIs() throws {
        let bench = try Bench(i82574: .strict)
        #expect(bench.nic.readConfig32(0) == 0x10D3_8086)
        #expect(bench.nic.readConfig32(8) >> 8 == 0x02_0000)
        bench.nic.writeConfig32(0x10, .max)
        #expect(bench.nic.readConfig32(0x10) == 0xFFFE_0000, "128 KiB of registers")
        var pointer = bench.nic.readConfig32(0x34) & 0xFF
        var capabilities: [UInt32] = []
        while pointer != 0 && capabilities.count < 16 {
            let word = bench.nic.readConfig32(Int(pointer))
            capabilities.append(word & 0xFF)
            pointer = word >> 8 & 0xFF
        }
        #expect(capabilities == [1, 5, 0x10, 0x11], "PM, MSI, PCIe, MSI-X")
        #expect(bench.nic.readConfig32(0xA0) >> 16 & 0x7FF == 4, "five vectors")
    }

    @Test(arguments: SoftNICPreset.allCases)
    func eepromHoldsAddressAndChecksum(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        func word(_ address: UInt32) -> UInt32? {
            bench.bus.write(I82574.eerd, .init().setting(.address, address).setting(.start))
            let answer = bench.bus.read(I82574.eerd)
            return answer[.done] ? answer[.data] : nil
        }
        #expect((0..<3).map { word($0) } == [0x5452, 0x1200, 0x5634])
        var sum: UInt32 = 0
        for address in 0..<UInt32(64) { sum += word(address) ?? 0 }
        #expect(sum & 0xFFFF == 0xBABA)
        #expect(word(64) == nil, "DONE never comes beyond 64 words")
        #expect(word(0x0D) == 0x10D3)
    }

    private func mdic(_ bench: Bench, _ request: I82574.PHYAccess) -> I82574.PHYAccess {
        bench.bus.write(I82574.mdic, request)
        if !bench.bus.read(I82574.mdic)[.ready] { bench.run(.microseconds(50)) }
        return bench.bus.read(I82574.mdic)
    }

    @Test(arguments: SoftNICPreset.allCases)
    func phyIdentity(_ preset: SoftNICPreset) throws {
        let bench = try Bench(i82574: preset)
        let high = mdic(bench, .reading(.identifierHigh))
        let low = mdic(bench, .reading(.identifierLow))
        #expect(high[.data] << 16 | low[.data] == I82574.phyIdentifier)
        #expect(low[.register] == 3 && !low[.error], "the register is echoed")
        #expect(mdic(bench, .reading(.identifierHigh, phy: 2))[.error], "nobody at address 2")
        #expect(bench.nic.flags.total == 0, "\(bench.nic.flags)")
    }

    /// QEMU's PHY table, section 3.1.
    @Test func phyRegistersOfQEMU() throws {
        let bench = try Bench(i82574: .qemu)
        func register(_ number: UInt32) -> UInt32? {
            let request = I82574.PHYAccess().setting(.register, number).setting(.phy, 1).setting(.operation, 2)
            let answer = mdic(bench, request)
            return answer[.error] ? nil : answer[.data]
        }
        let expected: [(UInt32, UInt32?)] = [
            (0, 0x1140), (1, 0x794D), (4, 0x0DE1), (5, 0x07E0), (6, 5), (7, 0x2001), (9, 0x0F00), (10, 0x3C00),
            (15, 0x3000), (16, 0x3360), (17, 0xAC08), (21, 0), (31, nil),
        ]
        for (number, value) in expected { #expect(register(number) == value, "\(number)") }
    }

    /// QEMU's e1000e is linked at once; restarting auto-negotiation loses the link for half a second.
    @Test func autoNegotiation() throws {
        let bench = try Bench(i82574: .qemu)
        #expect(bench.bus.read(I82574.status)[.linkUp])
        bench.bus.write(I82574.mdic, .writing(.control, 0x1340))
        #expect(!bench.bus.read(I82574.status)[.linkUp])
        _ = bench.bus.read(I82574.icr)
        bench.run(.milliseconds(499))
        #expect(!bench.bus.read(I82574.status)[.linkUp])
        bench.run(.milliseconds(1))
        #expect(bench.bus.read(I82574.status)[.linkUp])
        #expect(bench.bus.read(I82574.icr).rawValue == 0x8000_0004)
        #expect(mdic(bench, .reading(.status))[.data] == 0x796D)
        #expect(bench.bus.read(I82574.ctrl)[.receiveFlowControl] && bench.bus.read(I82574.ctrl)[.transmitFlowControl])
    }

    @Test func semaphores() throws {
        let bench = try Bench(i82574: .strict)
        #expect(bench.bus.read(I82574.swsm)[.software], "set by reset, as if taken")
        bench.bus.write(I82574.swsm, .init())
        #expect(!bench.bus.read(I82574.swsm)[.software], "free: it is the reader's")
        #expect(bench.bus.read(I82574.swsm)[.software])
        bench.bus.modify(I82574.extcnfCtrl) { $0[.softwareOwnsMDIO] = true }
        #expect(bench.bus.read(I82574.extcnfCtrl)[.softwareOwnsMDIO])
    }

    @Test func masterDisable() throws {
        let bench = try Bench(i82574: .strict)
        #expect(bench.bus.read(I82574.status)[.masterEnabled])
        bench.bus.modify(I82574.ctrl) { $0[.masterDisable] = true }
        #expect(!bench.bus.read(I82574.status)[.masterEnabled])
    }

    @Test func whatResetsDoNotClearHoldsAPattern() throws {
        let strict = try Bench(i82574: .strict)
        #expect((0..<128).contains { strict.bus.read(I82574.vfta($0)).rawValue != 0 })
        #expect(strict.bus.read(I82574.ral(3)).rawValue != 0)
        #expect(strict.bus.read(I82574.gprc).rawValue != 0, "statistics start anywhere")
        #expect(strict.bus.read(I82574.gprc).rawValue == 0)
    }

    @Test func unknownRegistersAreCounted() throws {
        let bench = try Bench(i82574: .strict)
        // SRRCTL of the 82576.
        #expect(bench.bus.read32(0xC00C) == 0)
        bench.bus.write32(0x280C, 1)
        #expect(bench.nic.flags[.unknownRegister] == 2)
    }
}
