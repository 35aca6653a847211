internal import Glibc
internal import Timeline

/// The QEMU that is installed: where it is, and that it is new enough.
struct QEMUInstallation {
    /// The program for PC guests.
    static let program = "qemu-system-x86_64"
    /// The oldest version whose models were looked at: igb came with 8.0 and its header split later.
    static let oldestMajor = 10

    let path: String
    /// As the program prints it, "10.0.2".
    let version: String

    /// Finds the program in `searchPath`, a list as in the environment's PATH.
    init(searchPath: String) throws(DriverError) {
        let candidates = searchPath.split(separator: ":").map { "\($0)/\(Self.program)" }
        guard let path = candidates.first(where: { unsafe access($0, X_OK) == 0 }) else {
            throw .qemuNotInstalled(program: Self.program)
        }
        let process = try QEMUProcess(executable: path, arguments: ["--version"], descriptors: [])
        guard process.waitForEnd(.seconds(20)) else { throw .qemuSilent(during: "its version check") }
        let words = process.words
        guard let version = Self.version(in: words),
            let major = version.split(separator: ".").first.flatMap({ Int($0) })
        else { throw .qemuDied(during: "its version check", words: process.lastWords) }
        guard major >= Self.oldestMajor else { throw .qemuTooOld(path: path, version: version) }
        self.path = path
        self.version = version
    }

    /// The number after "version" in what `--version` prints.
    static func version(in text: String) -> String? {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard let place = words.firstIndex(of: "version"), place + 1 < words.count else { return nil }
        return String(words[place + 1])
    }
}
