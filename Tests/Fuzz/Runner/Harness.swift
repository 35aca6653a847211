import DeviceMemory
import Foundation
import FuzzTargets

/// One program for all targets: UIODRV_FUZZ names the one that inputs are for.
///
/// Built for fuzzing (scripts/tests/fuzz) libFuzzer drives it and has the arguments. Built as usual it runs the files that it is
/// given, which is how coverage is measured and how a finding is looked at without a sanitizer.
@main enum Harness {
    static let target: FuzzTarget = {
        let name = ProcessInfo.processInfo.environment["UIODRV_FUZZ"] ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            print("Name a target in UIODRV_FUZZ: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")).")
            exit(64)
        }
        return target
    }()

    /// Runs one input; a finding ends the program as a trap would, so that a fuzzer keeps the input.
    static func run(_ bytes: ByteView) {
        do throws(Finding) { try target.run(bytes) } catch { fatalError("FINDING \(error)") }
    }

    static func main() {
        _ = target
        #if FUZZING
            var count = CommandLine.argc
            var arguments = unsafe CommandLine.unsafeArgv
            exit(
                unsafe runDriver(&count, &arguments) { bytes, count in
                    guard let bytes = unsafe bytes else { return 0 }
                    Harness.run(unsafe ByteView(base: UnsafeRawPointer(bytes), count: count))
                    return 0
                })
        #else
            for path in CommandLine.arguments.dropFirst() {
                guard let data = FileManager.default.contents(atPath: path) else {
                    print("\(path) cannot be read.")
                    exit(66)
                }
                let space = HeapBytes(count: data.count)
                for (i, byte) in data.enumerated() { space.bytes[i] = byte }
                run(space.bytes.readOnly)
                extendLifetime(space)
            }
        #endif
    }
}

#if FUZZING
    /// libFuzzer's own main function, as a library calls it.
    @_silgen_name("LLVMFuzzerRunDriver")
    func runDriver(
        _ count: UnsafeMutablePointer<CInt>,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
        _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
    ) -> CInt
#endif
