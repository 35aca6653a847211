internal import DeviceMemory
internal import Engine
internal import SoftNIC
internal import Timeline
internal import VFIODriver

/// Queues that are restarted, and regions that are changed, while a loopback's data flows: spread evenly over its bytes.
///
/// A few regions take turns: one that still has tokens out is not used again before the last is back, because two pools would
/// own the same memory then.
struct LiveChanges: ~Copyable {
    private var regions: Slab<DeviceRegion>
    /// By region: the number that it has at the engine; 0 when it is free.
    private var numbers: [UInt16]
    private let restarts: Int
    private let changes: Int
    private let bytes: UInt64
    private let queues: Int
    private(set) var restarted = 0
    private(set) var changed = 0

    /// - Parameter first: the region that the run begins with.
    init(_ options: LoopbackOptions, first: consuming DeviceRegion) throws(SessionError) {
        let spare = options.regionChanges == 0 ? 0 : 3
        regions = Slab(capacity: spare + 1)
        numbers = [1] + [UInt16](repeating: 0, count: spare)
        restarts = options.restarts
        changes = options.regionChanges
        bytes = options.bytes
        queues = options.device.queues
        regions.append(first)
        do {
            for i in 0..<spare {
                regions.append(
                    try DeviceRegion(
                        name: "region \(i + 2)", size: options.device.regionBytes, slotSize: options.device.slotSize,
                        visibility: .flushRead))
            }
        } catch {
            throw SessionError(error)
        }
    }

    /// The region that the run begins with.
    func withFirst<R: ~Copyable, E: Error>(_ body: (borrowing DeviceRegion) throws(E) -> R) throws(E) -> R {
        try body(regions[0])
    }

    /// Whether one of them is due when `consumed` bytes have arrived.
    func isDue(_ consumed: UInt64) -> Bool {
        isDue(restarted, of: restarts, consumed) || isDue(changed, of: changes, consumed)
    }

    private func isDue(_ done: Int, of all: Int, _ consumed: UInt64) -> Bool {
        // The last tenth is for those that had to wait.
        done < all && consumed >= (bytes - bytes / 10) / UInt64(all + 1) &* UInt64(done + 1)
    }

    /// Makes what is due; what cannot be made now, because slots are held, waits for the next turn.
    ///
    /// - Parameter show: gives the consumer its view of a region under a new number, before payload lands there.
    mutating func make<Driver: NICDriver & ~Copyable>(
        _ engine: inout Engine<Driver>, _ consumed: UInt64, _ device: SoftPCIDevice, now: Instant,
        wait: (Interval) -> Void, show: (borrowing DeviceRegion, UInt16) throws(DeviceMemoryError) -> Void
    ) throws(SessionError) where Driver.Device == SoftPCIDevice {
        if isDue(restarted, of: restarts, consumed) {
            let queue = 1 + restarted % queues
            if (try? engine.restart(queue: queue, now: now, wait: wait)) != nil { restarted += 1 }
        }
        guard isDue(changed, of: changes, consumed) else { return }
        var current = 0
        for i in 0..<regions.count where numbers[i] != 0 {
            if engine.ledger(ofRegion: numbers[i]) == nil { numbers[i] = 0 }
        }
        for i in 0..<regions.count where numbers[i] != 0 && engine.isActive(numbers[i]) { current = i }
        guard let next = numbers.firstIndex(of: 0), next < regions.count else { return }
        do {
            let number = try engine.rehome(
                numbers[current], to: regions[next], flushWindow: device.flushWindow, now: now, wait: wait)
            numbers[next] = number
            try show(regions[next], number)
            changed += 1
        } catch let error as DeviceMemoryError {
            throw SessionError(error)
        } catch {
            // Regions that wait for tokens are many: later.
            return
        }
    }
}
