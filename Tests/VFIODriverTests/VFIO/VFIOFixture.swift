import DeviceMemory
import Logging

@testable import VFIODriver

let nic = "0000:01:00.0"
let memory = "0000:02:00.0"

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A machine with a NIC in group 1 and a device with 64 KiB of memory behind BAR 2 in group 2.
func machine(_ change: (FakeKernel) -> Void = { _ in }) -> FakeKernel {
    let kernel = FakeKernel()
    kernel.devices[nic] = FakeKernel.Device()
    kernel.devices[memory] = FakeKernel.Device(group: "2", barBytes: [0: 4096, 2: 65536], vectors: 0)
    change(kernel)
    return kernel
}

func system(_ kernel: FakeKernel, _ interface: VFIOSystem.Interface = .automatic) -> VFIOSystem {
    VFIOSystem(kernel: kernel, interface: interface, log: quiet)
}

func vfioFailure(_ body: () throws(DriverError) -> Void) -> VFIOError? {
    do {
        try body()
        return nil
    } catch {
        if case .vfio(let error) = error { return error }
        return nil
    }
}

func memoryFailure(_ body: () throws(DeviceMemoryError) -> Void) -> DeviceMemoryError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}
