import DeviceMemory
import Foundation
import Logging
import Synchronization
import Testing

@Suite struct MemoryTests {
    @Test("views of one object share bytes; a view is unmapped with its owner")
    func views() throws {
        let object = try MemoryObject(name: "uiodrv-views", size: 8192)
        do {
            let writer = try object.view(rights: .readWrite)
            let reader = try object.view(offset: 4096, rights: .read)
            writer.bytes.setBE32(4096, 0x0102_0304)
            #expect(reader.bytes.readOnly.be32(0) == 0x0102_0304)
            #expect(mappings(of: "uiodrv-views") == 2)
            extendLifetime(writer)
            extendLifetime(reader)
        }
        #expect(mappings(of: "uiodrv-views") == 0)
        #expect(throws: DeviceMemoryError.self) { _ = try object.view(offset: 4096, length: 8192, rights: .read) }
    }

    @Test("a region maps nothing by itself, and keeps a flush page behind its slots (S0.13, G.14)")
    func region() throws {
        let region = try DeviceRegion(name: "uiodrv-region", size: 1 << 20, slotSize: 4096, visibility: .flushRead)
        #expect(region.slotCount == 256)
        #expect(mappings(of: "uiodrv-region") == 0)
        #expect(region.object.size == region.slotBytes + 4096 && region.flushOffset == region.slotBytes)
        #expect(throws: DeviceMemoryError.self) {
            _ = try DeviceRegion(size: 1 << 20, slotSize: 3000, visibility: .coherent)
        }
        #expect(throws: DeviceMemoryError.regionTooSmall(bytes: 4095, needed: 4096)) {
            _ = try DeviceRegion(size: 4095, slotSize: 4096, visibility: .coherent)
        }
    }

    @Test("shared memory cannot be shrunk under a mapping")
    func sealed() throws {
        let object = try MemoryObject(name: "sealed", size: 8192)
        #expect(ftruncate(object.fileDescriptor, 4096) != 0)
        extendLifetime(object)
    }

    @Test("a received descriptor must be as long as its sender says")
    func received() throws {
        let object = try MemoryObject(name: "short", size: 4096)
        #expect(throws: DeviceMemoryError.self) {
            _ = try MemoryObject(name: "long", taking: OwnedDescriptor(taking: dup(object.fileDescriptor)), size: 8192)
        }
    }

    /// Lines of this process's memory map that name a memfd. Read by hand: Foundation reads one page of such a file.
    private func mappings(of name: String) -> Int {
        guard let file = unsafe fopen("/proc/self/maps", "r") else { return -1 }
        defer { unsafe fclose(file) }
        var count = 0
        var line = [CChar](repeating: 0, count: 1024)
        while unsafe fgets(&line, 1024, file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.contains("memfd:\(name)") { count += 1 }
        }
        return count
    }
}

@Suite struct MailboxTests {
    @Test("register accesses through a mailbox keep program order, and reads see earlier writes")
    func order() throws {
        let object = try MemoryObject(name: "mailbox", size: RegisterMailbox.bytes)
        let view = try object.view(rights: .readWrite)
        let bytes = view.bytes
        let thread = Thread {
            var server = MailboxServer(bytes)
            var last: UInt32 = 0
            var sum: UInt32 = 0
            while true {
                guard let request = server.next() else { continue }
                switch request.kind {
                case .write:
                    // Values arrive in the order in which they were written.
                    if request.value != last + 1 { sum = .max }
                    last = request.value
                    if sum != .max { sum &+= request.value }
                case .read:
                    server.answer(request.offset == 4 ? sum : last)
                    if request.offset == 8 { return }
                }
            }
        }
        thread.start()
        let bus = MailboxBus(bytes, window: .registers)
        var expected: UInt32 = 0
        for i in 1...5000 {
            bus.write32(0, UInt32(i))
            expected &+= UInt32(i)
            if i % 777 == 0 { #expect(bus.read32(4) == expected) }
        }
        #expect(bus.read32(0) == 5000)
        #expect(bus.read32(4) == expected)
        _ = bus.read32(8)
        extendLifetime(view)
    }

    @Test("a client that moves its counter beyond the ring is no work")
    func forged() {
        let memory = HeapBytes(count: RegisterMailbox.bytes)
        var server = MailboxServer(memory.bytes)
        memory.bytes.setLE32(0, 0x8000_0000)
        let request = server.next()
        #expect(request == nil)
        extendLifetime(memory)
    }

    @Test("a server that is gone reads all ones instead of hanging its client")
    func gone() {
        let memory = HeapBytes(count: RegisterMailbox.bytes)
        let bus = MailboxBus(memory.bytes, window: .registers)
        bus.markGone()
        #expect(bus.read32(0) == .max)
        for i in 0..<5000 { bus.write32(0, UInt32(i)) }
        #expect(bus.isGone)
        extendLifetime(memory)
    }
}

@Suite struct MappedBusTests {
    @Test("registers of a mapped window; beyond its end reads are all ones and writes vanish")
    func window() {
        let memory = HeapBytes(count: 16)
        let bus = MappedBus(memory.bytes)
        bus.write32(12, 0x1234_5678)
        #expect(bus.read32(12) == 0x1234_5678 && memory.bytes.readOnly.le32(12) == 0x1234_5678)
        bus.write32(13, 1)
        bus.write32(16, 1)
        bus.write32(.max, 1)
        #expect(bus.read32(13) == .max && bus.read32(16) == .max && bus.read32(.max) == .max)
        #expect(memory.bytes.readOnly.le32(12) == 0x1234_5678)
        extendLifetime(memory)
    }
}
