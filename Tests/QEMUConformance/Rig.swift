import DeviceMemory
import NICRegisters

/// Sets a controller of one family up and reads what it did: the same accesses in the same order, whatever is behind the bus.
protocol Rig {
    associatedtype S: Subject
    init(subject: S)
    var subject: S { get }

    /// Queues that are opened.
    static var queues: Int { get }
    /// Bytes of the longest descriptor.
    static var longestDescriptor: Int { get }
    /// Statistics that both count.
    static var statistics: [(String, Register<PlainValue>)] { get }

    /// From power-up to a link, with everything that no batch changes.
    func bringUp() throws
    /// Writes everything that a batch depends on, and posts all descriptors but one of every queue.
    func prepare(_ settings: Settings)
    /// Bytes of a descriptor.
    func stride(_ settings: Settings) -> Int
    /// The words of a descriptor as it is posted.
    func posted(_ settings: Settings, _ queue: Int, _ index: Int) -> [UInt64]
    /// Whether a descriptor's words say that it is done.
    func isDone(_ settings: Settings, _ words: [UInt64]) -> Bool
    /// Payload bytes that a descriptor says were split off into its slot; `nil` when it says nothing of that.
    func splitPayload(_ settings: Settings, _ words: [UInt64]) -> Int?
    /// RDH, in descriptors.
    func head(_ settings: Settings, _ queue: Int) -> Int
}

extension Rig {
    /// Descriptors of a queue.
    static var descriptors: Int { 64 }
    /// Bytes that a header buffer has at most.
    static var headerSize: Int { 1024 }
    /// Bytes that a payload buffer has at most.
    static var slotSize: Int { 4096 }
    static var hostBytes: Int { queues * descriptors * (longestDescriptor + headerSize) + 4096 }
    static var regionBytes: Int { queues * descriptors * slotSize }
    /// What buffers hold before anything arrives.
    static var fill: UInt8 { 0xEE }
    /// The key of the Microsoft RSS verification suite.
    private static var key: [UInt8] {
        [
            0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca,
            0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b,
            0xbe, 0xac, 0x01, 0xfa,
        ]
    }

    var bus: S.BusType { subject.bus }
    func ring(_ queue: Int) -> Int { queue * Self.descriptors * Self.longestDescriptor }
    func header(_ queue: Int, _ index: Int) -> Int {
        Self.queues * Self.descriptors * Self.longestDescriptor + (queue * Self.descriptors + index) * Self.headerSize
    }
    func slot(_ queue: Int, _ index: Int) -> Int { (queue * Self.descriptors + index) * Self.slotSize }

    /// Writes the hash key and the redirection table, which are at the same place in both families.
    func loadHashing(redirection: UInt32) {
        for word in 0..<10 {
            var value: UInt32 = 0
            for byte in 0..<4 { value |= UInt32(Self.key[4 * word + byte]) << UInt32(8 * byte) }
            bus.write(I82576.rssrk(word), PlainValue(value))
        }
        for entry in 0..<32 { bus.write(I82576.reta(entry), PlainValue(redirection)) }
    }

    /// Fills all memory and writes the descriptors of `queue`.
    func clearMemory() {
        subject.host.bytes.fill(Self.fill)
        subject.region.bytes.fill(Self.fill)
    }

    func post(_ settings: Settings, _ queue: Int) {
        for index in 0..<Self.descriptors {
            for (word, value) in posted(settings, queue, index).enumerated() {
                subject.host.bytes.setLE64(ring(queue) + stride(settings) * index + 8 * word, value)
            }
        }
    }

    private func words(_ settings: Settings, _ queue: Int, _ index: Int) -> [UInt64] {
        let size = stride(settings)
        let place = DescriptorWords(subject.host.bytes.slice(ring(queue) + size * index, size))
        return (0..<(size / 8)).map { place.loadAcquiring($0) }
    }

    /// Whether `frame` is what arrived last at queue 0.
    func hasArrived(_ settings: Settings, _ frame: [UInt8]) -> Bool {
        let head = head(settings, 0)
        guard head > 0, head < Self.descriptors, isDone(settings, words(settings, 0, head - 1)) else { return false }
        let inHost = subject.host.bytes.readOnly.slice(header(0, head - 1), frame.count).array()
        let inRegion = subject.region.bytes.readOnly.slice(slot(0, head - 1), frame.count).array()
        return inHost == frame || inRegion == frame
    }

    /// What the device left behind.
    func image(_ settings: Settings) -> Image {
        var image = Image()
        for queue in 0..<Self.queues {
            image.descriptors.append(
                (0..<Self.descriptors).map { index in
                    let before = posted(settings, queue, index)
                    let after = words(settings, queue, index)
                    if after == before { return [] }
                    // A word that stays holds an address, which is each subject's own.
                    return zip(before, after).map { $0 == $1 ? .max : $1 }
                })
            image.heads.append(UInt32(head(settings, queue)))
        }
        let headers = subject.host.bytes.readOnly.slice(
            header(0, 0), Self.queues * Self.descriptors * Self.headerSize)
        image.headers = headers.array()
        image.payload = subject.region.bytes.readOnly.slice(0, Self.regionBytes).array()
        for (name, register) in Self.statistics { image.statistics[name] = bus.read(register).rawValue }
        return image
    }
}
