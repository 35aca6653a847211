internal import CShim
public import DeviceMemory

extension VFIODevice {
    /// Lets `vectors` interrupts signal event descriptors: MSI-X, or MSI where a function has no MSI-X; 0 turns them off.
    public func enableInterrupts(vectors count: Int) throws(DeviceMemoryError) {
        disableInterrupts()
        guard count > 0 else { return }
        for index in [VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX].map({ Int($0) }) {
            guard vectorCount(index) >= count else { continue }
            var events: [KernelHandle] = []
            for _ in 0..<count {
                let event = handle.kernel.makeEventDescriptor()
                guard event >= 0 else {
                    throw .cannotCreate(name: "an interrupt vector", bytes: 8, errno: -event)
                }
                events.append(KernelHandle(event, kernel: handle.kernel))
            }
            let result = setVectors(index, events.map(\.descriptor))
            // A positive answer is how many vectors there are, when fewer than asked for.
            guard result == 0 else { throw .noInterrupts(vectors: count) }
            vectors = events
            vectorIndex = index
            return
        }
        throw .noInterrupts(vectors: count)
    }

    /// One descriptor for each vector, readable when it fired; borrowed until the next change.
    public var interruptDescriptors: [Int32] { vectors.map(\.descriptor) }

    /// Bit n: vector n fired since the last call.
    public func takeInterrupts() -> UInt64 {
        var fired: UInt64 = 0
        for (n, vector) in vectors.enumerated() where n < 64 && handle.kernel.takeEvents(vector.descriptor) > 0 {
            fired |= 1 << UInt64(n)
        }
        return fired
    }

    func disableInterrupts() {
        if vectors.isEmpty { return }
        _ = setVectors(vectorIndex, [])
        vectors = []
    }

    private func vectorCount(_ index: Int) -> Int {
        var argument = vfio_irq_info()
        argument.index = UInt32(index)
        let (answer, _) = handle.info(.getInterruptInfo, argument)
        guard let info = answer?.load(vfio_irq_info.self), info.flags & UInt32(VFIO_IRQ_INFO_EVENTFD) != 0 else {
            return 0
        }
        return Int(info.count)
    }

    /// Wires interrupt `index` to event descriptors; none takes it away.
    func setVectors(_ index: Int, _ descriptors: [Int32]) -> Int32 {
        let size = MemoryLayout<shim_irq_set>.size
        var argument = shim_irq_set()
        argument.argsz = UInt32(size + descriptors.count * 4)
        argument.flags =
            UInt32(VFIO_IRQ_SET_ACTION_TRIGGER)
            | UInt32(descriptors.isEmpty ? VFIO_IRQ_SET_DATA_NONE : VFIO_IRQ_SET_DATA_EVENTFD)
        argument.index = UInt32(index)
        argument.count = UInt32(descriptors.count)
        var buffer = KernelBuffer(argument, trailing: descriptors.count * 4)
        for (i, descriptor) in descriptors.enumerated() { buffer.store(descriptor, at: size + i * 4) }
        return handle.ioctl(.setInterrupts, &buffer)
    }
}
