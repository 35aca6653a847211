import NICRegisters
import SoftNIC
import Testing
import Timeline

/// PHY access, auto-negotiation, link and the causes that tell of it.
@Suite struct LinkTests {
    private func phy(_ bench: Bench, _ number: UInt32, phy: UInt32 = 1, write: UInt16? = nil) -> I82576.PHYAccess {
        var request = I82576.PHYAccess().setting(.register, number).setting(.phy, phy).setting(.operation, 2)
        if let write { request = request.setting(.operation, 1).setting(.data, UInt32(write)) }
        bench.bus.write(I82576.mdic, request)
        bench.run(.microseconds(100))
        return bench.bus.read(I82576.mdic)
    }

    /// Register, and value after a reset, of QEMU 10's igb.
    private static let phyVectors: [(UInt32, UInt32)] = [
        (0, 0x1140), (1, 0x794D), (2, 0x02A8), (3, 0x0391), (4, 0x0DE1), (5, 0x07E0), (6, 0x0005), (7, 0x2001),
        (9, 0x0F00), (10, 0x3C00), (15, 0x3000), (16, 0x0120), (17, 0xC000), (18, 0), (19, 0), (25, 0x008D),
    ]

    @Test func registersOfThePHY() throws {
        let bench = try Bench(.qemu)
        for (number, value) in Self.phyVectors {
            let answer = phy(bench, number)
            #expect(answer[.ready] && !answer[.error] && answer[.data] == value && answer[.register] == number)
        }
        for number in [8, 20, 21, 22, 29, 30] as [UInt32] { #expect(phy(bench, number)[.error], "\(number) is absent") }
        #expect(phy(bench, 18, write: 0x1234)[.ready] && phy(bench, 18)[.data] == 0x1234)
        #expect(!phy(bench, 2, write: 7)[.error] && phy(bench, 2)[.data] == 0x02A8, "read-only")
    }

    @Test(arguments: SoftNICPreset.allCases)
    func wrongPHYAddressIsAnError(_ preset: SoftNICPreset) throws {
        let bench = try Bench(preset)
        let before = phy(bench, 2)
        let answer = phy(bench, 3, phy: 2)
        #expect(answer[.ready] && answer[.error])
        #expect(answer[.data] == before[.data] && answer[.register] == 2, "other fields keep what they held")
        #expect(!phy(bench, 2)[.error])
    }

    @Test func absentRegistersAnswerOnSilicon() throws {
        #expect(!phy(try Bench(.strict), 22)[.error])
    }

    @Test func readyTakesItsTimeOnSilicon() throws {
        let bench = try Bench(.strict)
        bench.bus.write(I82576.mdic, .reading(.identifierHigh))
        bench.run(.microseconds(49))
        #expect(!bench.bus.read(I82576.mdic)[.ready])
        bench.run(.microseconds(1))
        #expect(bench.bus.read(I82576.mdic)[.ready])
    }

    @Test func linkComesWithAutoNegotiation() throws {
        let bench = try Bench(.qemu)
        bench.run(.seconds(10))
        #expect(bench.bus.read(I82576.status).rawValue == 0x8008_0481, "down after every reset")
        #expect(bench.nic.nextDeadline == .never)
        #expect(phy(bench, 0, write: 0x1340)[.ready])
        #expect(phy(bench, 0)[.data] == 0x1140, "restart clears itself")
        #expect(phy(bench, 1)[.data] & 0x24 == 0)
        // Three accesses to the PHY took 100 us each.
        #expect(bench.nic.nextDeadline == bench.now + .microseconds(499_700))
        bench.run(.microseconds(499_500))
        #expect(!bench.bus.read(I82576.status)[.linkUp])
        bench.run(.microseconds(200))
        #expect(bench.bus.read(I82576.status).rawValue == 0x8008_0483)
        #expect(phy(bench, 1)[.data] == 0x796D)
        #expect(phy(bench, 5)[.data] == 0x47E0, "the partner's acknowledge bit")
        #expect(bench.bus.read(I82576.icr).rawValue == 0x8000_0004)
        #expect(bench.bus.read(I82576.icr).rawValue == 0)
    }

    @Test func siliconLinksByItselfAndLatchesALoss() throws {
        let bench = try Bench(.strict)
        bench.run(.milliseconds(500))
        #expect(bench.bus.read(I82576.status)[.linkUp])
        #expect(bench.bus.read(I82576.icr).rawValue == 4, "nothing is asserted with all causes masked")
        bench.nic.setCable(false)
        #expect(!bench.bus.read(I82576.status)[.linkUp])
        bench.nic.setCable(true)
        bench.run(.seconds(1))
        #expect(bench.bus.read(I82576.status)[.linkUp])
        #expect(phy(bench, 1)[.data] & 4 == 0, "latched low")
        #expect(phy(bench, 1)[.data] & 4 != 0)
    }

    @Test func framesWaitForTheLink() throws {
        let bench = try Bench(.qemu)
        bench.startQueue(0, type: 1)
        bench.enableReceiver()
        #expect(!bench.send(FrameRecipe()))
        bench.link()
        #expect(bench.send(FrameRecipe()))
        #expect(bench.completion(0, 0).isDone)
    }

    @Test func causesAndMask() throws {
        let bench = try Bench(.strict)
        bench.bus.write(I82576.ics, .init(rawValue: 0x10))
        #expect(bench.bus.read(I82576.ics).rawValue == 0x10)
        #expect(bench.bus.read(I82576.icr).rawValue == 0x10)
        bench.bus.write(I82576.ims, .init(rawValue: 0x11))
        bench.bus.write(I82576.imc, .init(rawValue: 0x01))
        #expect(bench.bus.read(I82576.ims).rawValue == 0x10)
        bench.bus.write(I82576.ics, .init(rawValue: 0x14))
        bench.bus.write(I82576.icr, .init(rawValue: 0x04))
        #expect(bench.bus.read(I82576.icr).rawValue == 0x8000_0010)
        // Masked causes stay when the mask is not empty and the vectors are MSI-X.
        bench.bus.write(I82576.gpie, .init().setting(.multipleMSIX))
        bench.bus.write(I82576.ics, .init(rawValue: 0x04))
        #expect(bench.bus.read(I82576.icr).rawValue == 0x04)
        #expect(bench.bus.read(I82576.icr).rawValue == 0x04)
        bench.bus.write(I82576.imc, .init(rawValue: .max))
        #expect(bench.bus.read(I82576.icr).rawValue == 0x04)
        #expect(bench.bus.read(I82576.icr).rawValue == 0, "an empty mask clears")
        bench.bus.write(I82576.eims, PlainValue(3))
        bench.bus.write(I82576.eimc, PlainValue(1))
        #expect(bench.bus.read(I82576.eims).rawValue == 2)
        bench.bus.write(I82576.eics, PlainValue(5))
        bench.bus.write(I82576.eicr, PlainValue(1))
        #expect(bench.bus.read(I82576.eicr).rawValue == 4)
        #expect(bench.bus.read(I82576.eicr).rawValue == 0)
    }
}
