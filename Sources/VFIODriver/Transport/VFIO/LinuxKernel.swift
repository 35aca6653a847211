internal import CShim
internal import Foundation
internal import Glibc

/// The running kernel.
struct LinuxKernel: KernelInterface {
    func open(_ path: String) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CLOEXEC)
        return descriptor < 0 ? -errno : descriptor
    }

    func duplicate(_ descriptor: Int32) -> Int32 {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        return copy < 0 ? -errno : copy
    }

    func close(_ descriptor: Int32) { Glibc.close(descriptor) }

    func ioctl(_ descriptor: Int32, _ request: KernelRequest, value: Int) -> Int32 {
        shim_ioctl_value(descriptor, request.number, value)
    }

    func ioctl(_ descriptor: Int32, _ request: KernelRequest, _ argument: inout KernelBuffer) -> Int32 {
        unsafe argument.withUnsafeMutableBytes {
            unsafe shim_ioctl_pointer(descriptor, request.number, $0.baseAddress)
        }
    }

    func read(_ descriptor: Int32, at offset: Int, count: Int) -> UInt64? {
        var value: UInt64 = 0
        return unsafe pread(descriptor, &value, count, offset) == count ? UInt64(littleEndian: value) : nil
    }

    func write(_ descriptor: Int32, at offset: Int, count: Int, _ value: UInt64) -> Bool {
        var value = value.littleEndian
        return unsafe pwrite(descriptor, &value, count, offset) == count
    }

    func makeEventDescriptor() -> Int32 {
        let descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        return descriptor < 0 ? -errno : descriptor
    }

    func takeEvents(_ descriptor: Int32) -> UInt64 {
        var count: UInt64 = 0
        return unsafe Glibc.read(descriptor, &count, 8) == 8 ? count : 0
    }

    var lockedMemoryLimit: UInt64 { shim_locked_memory_limit() }

    func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    func linkTarget(_ path: String) -> String? {
        guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return nil }
        return target.split(separator: "/").last.map(String.init)
    }

    func entries(of path: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    func holder(of path: String) -> String? {
        // This process last: it may have opened the path only now, to find it taken.
        let own = "\(getpid())"
        let processes = entries(of: "/proc").filter { $0.allSatisfy(\.isNumber) && $0 != own } + [own]
        for process in processes {
            for descriptor in entries(of: "/proc/\(process)/fd") {
                let link = "/proc/\(process)/fd/\(descriptor)"
                guard (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) == path else { continue }
                let name = (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) ?? ""
                return "process \(process) (\(name.trimmingCharacters(in: .whitespacesAndNewlines)))"
            }
        }
        return nil
    }
}
