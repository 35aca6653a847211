import DeviceMemory
import NICRegisters
import Testing
import VFIODriver

/// Registers by name: every field of every register can be printed, and nothing is written that was not meant.
@Suite struct RegisterNameTests {
    private static let all = I82576.registers + I82574.registers + I82599.registers

    @Test func everyRegisterOfBitsNamesItsFields() {
        for register in Self.all where !register.isPlain {
            #expect(!register.fields.isEmpty, "\(register.name)")
            var taken: UInt32 = 0
            var names: Set<String> = []
            for field in register.fields {
                let mask = ((UInt32(1) << field.width) &- 1) << field.low
                #expect(field.low + field.width <= 32, "\(register.name).\(field.name)")
                #expect(taken & mask == 0, "\(register.name).\(field.name) overlaps")
                #expect(!"\(field.name)".isEmpty, "\(register.name) has a field without a name")
                #expect(names.insert("\(field.name)").inserted, "\(register.name).\(field.name) is there twice")
                taken |= mask
            }
        }
    }

    private final class Bank: Bus {
        var values: [UInt32: UInt32] = [:]
        var reads: [UInt32] = []
        func read32(_ offset: UInt32) -> UInt32 {
            reads.append(offset)
            return values[offset] ?? 0
        }
        func write32(_ offset: UInt32, _ value: UInt32) { values[offset] = value }
    }

    @Test func registersWhoseReadChangesTheDeviceAreLeftAlone() throws {
        let bank = Bank()
        let readings = try RegisterAccessor(bank, .igb).read([], sideEffects: false)
        for offset in [I82576.icr.offset, I82576.swsm.offset, I82576.gprc.offset, I82576.eicr.offset] {
            #expect(!bank.reads.contains(offset))
        }
        #expect(readings.count > 1000)
        _ = try RegisterAccessor(bank, .igb).read(["ICR"], sideEffects: true)
        #expect(bank.reads.contains(I82576.icr.offset))
    }

    @Test func namesFindRegistersAndArrays() throws {
        let bank = Bank()
        bank.values[I82576.rdt(3).offset] = 7
        bank.values[I82576.ctrl.offset] = 1 << 6
        let accessor = RegisterAccessor(bank, .igb)
        #expect(try accessor.read(["rdt[3]"], sideEffects: false).map { $0.value } == [7])
        #expect(try accessor.read(["RDT"], sideEffects: false).count == 16)
        let fields = try accessor.read(["CTRL"], sideEffects: false)[0].fields
        #expect(fields.first { $0.name == "SLU" }?.value == 1)
    }

    @Test func writesAreCheckedBeforeTheyAreMade() throws {
        let bank = Bank()
        let accessor = RegisterAccessor(bank, .igb)
        #expect(throws: DriverError.noSuchRegister(name: "NOPE")) { try accessor.plan("NOPE=1") }
        #expect(throws: DriverError.registerReadOnly(name: "GPRC")) { try accessor.plan("GPRC=1") }
        #expect(throws: DriverError.ambiguousRegister(name: "RDT", count: 16)) { try accessor.plan("RDT=1") }
        #expect(throws: DriverError.badAssignment(text: "CTRL=0x1ffffffff")) { try accessor.plan("CTRL=0x1ffffffff") }
        #expect(throws: DriverError.badAssignment(text: "CTRL")) { try accessor.plan("CTRL") }
        let write = try accessor.plan("rdt[2]=0x10")
        #expect(bank.values.isEmpty)
        _ = accessor.apply(write)
        #expect(bank.values == [I82576.rdt(2).offset: 16])
    }
}
