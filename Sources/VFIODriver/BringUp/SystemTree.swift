internal import DeviceMemory
internal import Glibc

/// The files through which the kernel shows and changes its devices: sysfs, procfs, device nodes, and `/run`.
///
/// Paths are those of the running system, from `/`. A tree below another root stands for another machine; a tree that
/// answers writes itself stands for another kernel.
public protocol SystemTree {
    /// Directory that stands for `/`; empty for the running system.
    var root: String { get }
    /// Writes `text` into the file at `path` as one write, creating the file where the tree allows; 0 or an error number.
    func write(_ text: String, to path: String) -> Int32
}

/// The running system, or a copy of parts of it below a directory.
public struct HostTree: SystemTree {
    public let root: String

    /// - Parameter root: directory that stands for `/`; empty for the running system.
    public init(root: String = "") { self.root = root }

    public func write(_ text: String, to path: String) -> Int32 {
        let fd = unsafe open(root + path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard fd >= 0 else { return errno }
        let owned = OwnedDescriptor(taking: fd)
        var bytes = Array(text.utf8)
        // One write: sysfs takes an attribute's value whole.
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.write(owned.rawValue, $0.baseAddress, $0.count) }
        let code = errno
        return count == bytes.count ? 0 : count < 0 ? code : EIO
    }
}

extension SystemTree {
    /// The whole file at `path`, read with read(2) because procfs and sysfs state no useful sizes; `nil` when it cannot be
    /// read. At most `limit` bytes.
    func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        let fd = unsafe open(root + path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard fd >= 0 else { return nil }
        let owned = OwnedDescriptor(taking: fd)
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while result.count < limit {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(owned.rawValue, $0.baseAddress, $0.count) }
            guard count > 0 else { return count == 0 || !result.isEmpty ? result : nil }
            result.append(contentsOf: chunk[..<count])
        }
        return result
    }

    /// The file at `path` as text without white space around it.
    func text(_ path: String) -> String? {
        bytes(path).map { bytes in
            let space: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
            let tail = bytes.drop(while: space)
            let end = tail.lastIndex { !space($0) }.map { $0 + 1 } ?? tail.startIndex
            return String(decoding: tail[..<end], as: UTF8.self)
        }
    }

    /// The file at `path` as a number, decimal or 0x-hexadecimal.
    func number(_ path: String) -> Int? {
        guard let text = text(path) else { return nil }
        return text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
    }

    func lines(_ path: String) -> [Substring] { (text(path) ?? "").split(separator: "\n") }

    /// Whether anything is at `path`, links followed.
    func exists(_ path: String) -> Bool { unsafe access(root + path, F_OK) == 0 }

    /// Whether this process may read and write what is at `path`.
    func isUsable(_ path: String) -> Bool { unsafe access(root + path, R_OK | W_OK) == 0 }

    /// Names in the directory at `path`, sorted; empty when there is none.
    func names(in path: String) -> [String] {
        guard let directory = unsafe opendir(root + path) else { return [] }
        defer { unsafe closedir(directory) }
        var result: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { result.append(name) }
        }
        return result.sorted()
    }

    /// Last component of the target of the link at `path`.
    func linkName(_ path: String) -> String? { linkTarget(path)?.split(separator: "/").last.map(String.init) }

    func linkTarget(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes {
            guard let start = $0.baseAddress else { return 0 }
            return unsafe readlink(root + path, start.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// `path` without links, as a path of this tree.
    func resolved(_ path: String) -> String? {
        guard let target = unsafe realpath(root + path, nil) else { return nil }
        defer { unsafe free(target) }
        let full = unsafe String(cString: target)
        guard !root.isEmpty else { return full }
        guard let base = unsafe realpath(root, nil) else { return nil }
        defer { unsafe free(base) }
        let prefix = unsafe String(cString: base)
        return full.hasPrefix(prefix) ? String(full.dropFirst(prefix.count)) : nil
    }

    /// Makes the directory at `path` and those above it; 0 or an error number.
    func makeDirectory(_ path: String) -> Int32 {
        var built = ""
        for part in path.split(separator: "/") {
            built += "/" + part
            if unsafe mkdir(root + built, 0o755) != 0, errno != EEXIST { return errno }
        }
        return 0
    }

    /// Renames a file, over one that may be there; 0 or an error number.
    func move(_ path: String, to other: String) -> Int32 {
        unsafe rename(root + path, root + other) == 0 ? 0 : errno
    }

    /// Removes the file at `path`; one that is not there is no error.
    func remove(_ path: String) -> Int32 {
        unsafe unlink(root + path) == 0 || errno == ENOENT ? 0 : errno
    }
}
