import DeviceMemory
import NICRegisters
import SoftNIC
import Testing
import Timeline

/// The state after CTRL.RST, as read from QEMU 10's igb: data, for any device that is to look like it.
private let resetVectors: [(name: String, offset: UInt32, value: UInt32)] = [
    ("CTRL", 0x0000, 0x0010_0209), ("STATUS", 0x0008, 0x8008_0481), ("EECD", 0x0010, 0x0000_1110),
    ("EERD", 0x0014, 0), ("RCTL", 0x0100, 0), ("RFCTL", 0x5008, 0), ("MRQC", 0x5818, 0), ("RETA", 0x5C00, 0),
    ("RSSRK", 0x5C80, 0), ("ICR", 0x00C0, 0), ("IMS", 0x00D0, 0), ("IVAR", 0x1700, 0), ("TCTL", 0x0400, 0xA404_00F8),
    ("RXPBS", 0x2404, 0x40), ("TXPBS", 0x3404, 0x28), ("SRRCTL0", 0xC00C, 0), ("SRRCTL15", 0xC3CC, 0),
    ("RXDCTL0", 0xC028, 0x0201_0000), ("RXDCTL1", 0xC068, 0x0001_0000), ("RXDCTL15", 0xC3E8, 0x0001_0000),
    ("TXDCTL0", 0xE028, 0x0200_0000), ("TXDCTL1", 0xE068, 0), ("RXCSUM", 0x5000, 0x300), ("RLPML", 0x5004, 0x2600),
    ("VMOLR0", 0x5AD0, 0x8000_2600), ("RPLOLR", 0x5AF0, 0x8000_0000), ("DTXCTL", 0x3590, 0x44),
    ("EEMNGCTL", 0x1010, 0x8000_0000), ("MANC", 0x5820, 0), ("FACTPS", 0x5B30, 0), ("GCR", 0x5B00, 0x0685_0200),
    ("LEDCTL", 0x0E00, 0x0706_8302), ("TIPG", 0x0410, 0x0060_1008), ("VET", 0x0038, 0x8100_8100),
    ("RAL0", 0x5400, 0x1200_5452), ("RAH0", 0x5404, 0x8000_5634),
]

/// Reset values, configuration space, NVM and semaphores: what a driver meets first.
@Suite struct ResetTests {
    @Test func registersAfterReset() throws {
        let bench = try Bench(.qemu)
        bench.link()
        for offset in [0x0100, 0x5008, 0x5818, 0x5C00, 0x5C80, 0x00D0, 0x1700, 0x0410, 0xC00C, 0xC3CC] as [UInt32] {
            bench.bus.write32(offset, 0x5A5A_5A50)
        }
        bench.bus.write(I82576.rxdctl(0), .init())
        bench.bus.write(I82576.ctrl, .init(rawValue: 0x0010_0249).setting(.reset))
        bench.run(.milliseconds(1))
        for vector in resetVectors {
            #expect(bench.bus.read32(vector.offset) == vector.value, "\(vector.name)")
        }
        #expect(bench.bus.read(I82576.swsm).rawValue == 0)
        #expect(!bench.bus.read(I82576.ctrl)[.reset], "RST clears itself")
    }

    @Test func strictDiffersWhereSiliconDoes() throws {
        let bench = try Bench(.strict)
        #expect(bench.bus.read(I82576.eecd)[.autoReadDone])
        #expect(bench.bus.read(I82576.eemngctl)[.configurationDone])
        // Undefined after power-up: a driver that does not clear them sees something.
        #expect((0..<128).contains { bench.bus.read(I82576.mta($0)).rawValue != 0 })
        #expect(bench.bus.read(I82576.gprc).rawValue != 0)
        #expect(bench.bus.read(I82576.gprc).rawValue == 0, "a read clears")
    }

    @Test func queueBlocksAnswerAtTheirOldPlaces() throws {
        let bench = try Bench(.qemu)
        bench.bus.write32(0x2918, 0)
        bench.bus.write32(0x290C, 0x0A00_0202)
        #expect(bench.bus.read32(0xC04C) == 0x0A00_0202)
        bench.bus.write32(0xE0C8, 0x1000)
        #expect(bench.bus.read32(0x3B08) == 0x1000)
    }

    @Test func configurationSpace() throws {
        let nic = SoftNIC(configuration: SoftNICConfiguration(preset: .strict))
        #expect(nic.readConfig32(0) == 0x10C9_8086)
        #expect(nic.readConfig32(8) >> 8 == 0x02_0000)
        let sizes: [(Int, UInt32, UInt32)] = [(0x10, 0xFFFE_0000, 0), (0x14, 0xFFFE_0000, 0), (0x18, 0xFFFF_FFE0, 1)]
        for (offset, mask, flags) in sizes {
            nic.writeConfig32(offset, .max)
            #expect(nic.readConfig32(offset) == mask | flags)
        }
        nic.writeConfig32(0x1C, .max)
        nic.writeConfig32(0x20, .max)
        #expect(nic.readConfig32(0x1C) == 0xFFFF_C004 && nic.readConfig32(0x20) == .max)
        var offset = Int(nic.readConfig32(0x34) & 0xFF)
        var capabilities: [UInt32] = []
        while offset != 0 && capabilities.count < 10 {
            capabilities.append(nic.readConfig32(offset) & 0xFF)
            offset = Int(nic.readConfig32(offset) >> 8 & 0xFF)
        }
        #expect(capabilities == [0x01, 0x05, 0x11, 0x10], "power management, MSI, MSI-X, PCI Express")
        #expect(nic.readConfig32(0x2000) == .max && nic.readConfig32(-4) == .max)
    }

    @Test func memoryDecodingGatesRegisters() throws {
        let nic = SoftNIC(configuration: SoftNICConfiguration(preset: .strict))
        let device = SoftPCIDevice(nic)
        let bus = try #require(device.bar(0))
        #expect(bus.read(I82576.status).rawValue == .max)
        bus.write(I82576.tipg, PlainValue(1))
        nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory)
        #expect(bus.read(I82576.tipg).rawValue == 0x0060_1008)
        #expect(device.bar(1) == nil)
        #expect(nic.read32(bar: 3, offset: 0) == 0 && nic.read32(bar: 1, offset: 0) == .max)
    }

    @Test func functionLevelReset() throws {
        let bench = try Bench(.strict)
        bench.link()
        bench.startQueue(0, type: 5)
        bench.nic.writeConfig32(0xA8, 0x8000)
        #expect(bench.nic.readConfig32(PCIConfig.command) & 7 == 0)
        bench.nic.writeConfig32(PCIConfig.command, PCIConfig.commandMemory | PCIConfig.commandBusMaster)
        bench.run(.milliseconds(1))
        #expect(bench.bus.read(I82576.rdlen(0)).rawValue == 0)
        #expect(!bench.bus.read(I82576.status)[.linkUp])
    }

    @Test func masterDisableShowsInStatus() throws {
        let bench = try Bench(.strict)
        #expect(bench.bus.read(I82576.status)[.masterEnabled])
        bench.bus.modify(I82576.ctrl) { $0[.masterDisable] = true }
        #expect(!bench.bus.read(I82576.status)[.masterEnabled])
    }

    @Test(arguments: SoftNICPreset.allCases)
    func nvmSumsToBABA(_ preset: SoftNICPreset) throws {
        let bench = try Bench(preset)
        func word(_ address: UInt32) -> UInt16? {
            bench.bus.write(I82576.eerd, .init().setting(.address, address).setting(.start))
            let answer = bench.bus.read(I82576.eerd)
            return answer[.done] ? UInt16(truncatingIfNeeded: answer[.data]) : nil
        }
        var sum: UInt16 = 0
        for address in 0..<UInt32(I82576.nvmChecksumWords) { sum &+= try #require(word(address)) }
        #expect(sum == 0xBABA)
        #expect(word(0) == 0x5452 && word(1) == 0x1200 && word(2) == 0x5634)
        #expect(word(0x0D) == 0x10C9 && word(0x37) == 0xFFFF)
        #expect(word(1023) == 0xFFFF)
        #expect(word(1024) == nil, "beyond the image DONE never comes")
    }

    @Test func semaphores() throws {
        let bench = try Bench(.strict)
        #expect(!bench.bus.read(I82576.swsm)[.software], "the first reader gets it")
        #expect(bench.bus.read(I82576.swsm)[.software])
        bench.bus.modify(I82576.swsm) { $0[.softwareFirmware] = true }
        #expect(bench.bus.read(I82576.swsm)[.softwareFirmware])
        bench.bus.write(I82576.swsm, .init())
        #expect(!bench.bus.read(I82576.swsm)[.software])
        bench.bus.write(I82576.swFwSync, .init().setting(.softwarePHY))
        #expect(bench.bus.read(I82576.swFwSync).rawValue == 2)
    }

    @Test func sixtyFourBitCountersClearOnTheUpperHalf() throws {
        let bench = try Bench(.qemu)
        bench.link()
        bench.startQueue(0, type: 1)
        bench.enableReceiver()
        bench.send(FrameRecipe { $0.payload = 446 })
        #expect(bench.bus.read(I82576.gorcl).rawValue == 504)
        #expect(bench.bus.read(I82576.gorcl).rawValue == 504)
        #expect(bench.bus.read(I82576.gorch).rawValue == 0)
        #expect(bench.bus.read(I82576.gorcl).rawValue == 0)
        #expect(bench.bus.read(I82576.prc511).rawValue == 1)
        #expect(bench.bus.read(I82576.gprc).rawValue == 1 && bench.bus.read(I82576.tpr).rawValue == 1)
    }
}
