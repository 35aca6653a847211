// swift-tools-version:6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

// Tests ask for optimised modules, not for optimised tests: compiling those took 560 s of processor time, 270 s so.
// Where the test itself computes for long (PagePool's walk through all states) it is worth it.
func tests(_ name: String, _ dependencies: [Target.Dependency], isOptimized: Bool = false) -> Target {
    .testTarget(
        name: name, dependencies: dependencies,
        swiftSettings: strict + (isOptimized ? [] : [.unsafeFlags(["-Onone"], .when(configuration: .release))]))
}

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "uiodrv",
    products: [
        .executable(name: "uiodrv", targets: ["uiodrv"]),
        .library(name: "uiodrv-client", targets: ["CClient"]),
        .library(
            name: "uiodrvKit",
            targets: [
                "Timeline", "DeviceMemory", "Packets", "NICRegisters", "Rings", "PagePool", "HeaderSplit",
                "ClientKit", "TCPLite", "Wire", "SoftNIC", "VFIODriver", "Engine", "Controller", "Sessions",
            ]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        .systemLibrary(name: "CShim"),
        .target(name: "CClient"),
        .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CNUMA", providers: [.apt(["libnuma-dev"])]),
        .systemLibrary(name: "CPCI", providers: [.apt(["libpci-dev"])]),
        .systemLibrary(name: "CPcap", providers: [.apt(["libpcap-dev"])]),
        module("Timeline", ["CCrypto"]),
        module("DeviceMemory", ["CShim", "CNUMA", "Timeline", logging]),
        module("Packets", ["DeviceMemory", "Timeline"]),
        module("NICRegisters", ["DeviceMemory"]),
        module("Rings", ["DeviceMemory"]),
        module("ClientKit", ["CShim", "DeviceMemory", "Rings"]),
        module("PagePool", ["DeviceMemory"]),
        module("HeaderSplit", ["DeviceMemory", "Rings", "PagePool"]),
        module("TCPLite", ["Timeline", "DeviceMemory", "Packets", "PagePool", "HeaderSplit"]),
        // Stacks over impaired wires in virtual time: a tool of the tests.
        module("Simulation", ["Timeline", "DeviceMemory", "Packets", "PagePool", "HeaderSplit", "TCPLite"]),
        .executableTarget(
            name: "tcp-sim", dependencies: ["Simulation", arguments], path: "Tests/Simulator",
            exclude: ["corpus"], swiftSettings: strict),
        module("Wire", ["CShim", "CPcap", "Timeline", "DeviceMemory", "Packets"]),
        module("SoftNIC", ["Timeline", "DeviceMemory", "Packets", "NICRegisters", "Rings"]),
        module(
            "VFIODriver",
            [
                "CShim", "CPCI", "Timeline", "DeviceMemory", "Packets", "NICRegisters", "Rings", "PagePool",
                "HeaderSplit", logging,
            ]),
        module(
            "Engine",
            [
                "CShim", "Timeline", "DeviceMemory", "Packets", "NICRegisters", "Rings", "PagePool", "HeaderSplit",
                "ClientKit", "TCPLite", "VFIODriver", logging,
            ]),
        module(
            "Controller",
            [
                "CShim", "ClientKit", "Timeline", "DeviceMemory", "Packets", "TCPLite", "VFIODriver", "Engine", logging,
            ]),
        module(
            "Sessions",
            [
                "CShim", "Timeline", "DeviceMemory", "Packets", "PagePool", "HeaderSplit", "ClientKit", "TCPLite",
                "Wire",
                "SoftNIC", "VFIODriver", "Engine", "Controller", logging,
            ]),
        .executableTarget(
            name: "uiodrv",
            dependencies: ["Sessions", "VFIODriver", arguments, logging],
            swiftSettings: strict),
        .executableTarget(
            name: "example-receive",
            dependencies: [
                "Engine", "ClientKit", "SoftNIC", "Wire", "TCPLite", "Packets", "DeviceMemory", "Timeline",
                "VFIODriver", logging,
            ],
            path: "Examples/ReceiveIntoRegion",
            swiftSettings: strict),
        .executableTarget(
            name: "example-client", dependencies: ["ClientKit", "DeviceMemory"], path: "Examples/ClientInSwift",
            swiftSettings: strict),
        .executableTarget(name: "example-client-c", dependencies: ["CClient"], path: "Examples/ClientInC"),
        // Tools of the tests: clients that are killed, and who kills them.
        .executableTarget(name: "chaos-victim", dependencies: ["CClient"], path: "Tests/ChaosVictim"),
        .executableTarget(
            name: "client-chaos",
            dependencies: [
                "ClientKit", "ControlBench", "Controller", "Engine", "SoftNIC", "TCPLite", "Packets", "PagePool",
                "HeaderSplit",
                "DeviceMemory", "Timeline", "VFIODriver", logging, arguments,
            ],
            path: "Tests/ClientChaos"),
        // What tests of controllers share: a controller in a thread of its own, a sender, a socket that can say anything.
        .target(
            name: "ControlBench",
            dependencies: [
                "CShim", "ClientKit", "Controller", "Engine", "SoftNIC", "TCPLite", "Packets", "PagePool",
                "HeaderSplit",
                "DeviceMemory", "Timeline", "VFIODriver", logging,
            ],
            path: "Tests/ControlBench"),
        // Run under the sanitizers: what several threads do at once.
        .executableTarget(
            name: "concurrency-check",
            dependencies: [
                "ControlBench", "ClientKit", "Engine", "Rings", "SoftNIC", "TCPLite", "Packets", "DeviceMemory",
                "Timeline", "VFIODriver", logging,
            ],
            path: "Tests/ConcurrencyCheck"),
        // A tool of the tests: it needs QEMU, and its own words for what it finds.
        .executableTarget(
            name: "qemu-conformance",
            dependencies: ["SoftNIC", "VFIODriver", "NICRegisters", "DeviceMemory", "Timeline", arguments],
            path: "Tests/QEMUConformance",
            swiftSettings: strict),
        // What fuzzers aim at, and the program that they drive: scripts/tests/fuzz builds it for libFuzzer.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "Simulation", "TCPLite", "Packets", "PagePool", "HeaderSplit", "Rings", "DeviceMemory", "Timeline",
            ],
            path: "Tests/Fuzz/Targets", swiftSettings: strict),
        .executableTarget(
            name: "tcp-fuzz", dependencies: ["FuzzTargets", "DeviceMemory"], path: "Tests/Fuzz/Runner",
            swiftSettings: strict),
        tests("TimelineTests", ["Timeline"]),
        tests(
            "VFIODriverTests",
            ["CShim", "VFIODriver", "NICRegisters", "HeaderSplit", "PagePool", "DeviceMemory", "Timeline", logging]),
        tests(
            "EngineTests",
            [
                "CShim", "Engine", "ClientKit", "TCPLite", "Packets", "PagePool", "DeviceMemory", "HeaderSplit",
                "Rings", "SoftNIC",
                "Timeline", "VFIODriver", logging,
            ]),
        tests(
            "ControllerTests",
            [
                "ControlBench", "ClientKit", "Controller", "Engine", "SoftNIC", "TCPLite", "DeviceMemory", "Timeline",
                "VFIODriver",
            ]),
        tests("SessionsTests", ["Sessions", "DeviceMemory", "VFIODriver", logging]),
        tests("DeviceMemoryTests", ["DeviceMemory", logging]),
        tests("ClientKitTests", ["CClient", "ClientKit", "DeviceMemory", "Rings"]),
        tests("RingsTests", ["Rings", "DeviceMemory"]),
        tests("PagePoolTests", ["PagePool", "DeviceMemory"], isOptimized: true),
        tests("HeaderSplitTests", ["HeaderSplit", "PagePool", "Rings", "DeviceMemory"]),
        tests(
            "SoftNICTests",
            [
                "SoftNIC", "NICRegisters", "Timeline", "DeviceMemory", "Packets", "Rings", "PagePool", "HeaderSplit",
                "VFIODriver", logging,
            ]),
        tests("WireTests", ["Wire", "Timeline", "DeviceMemory", "Packets"]),
        tests("PacketsTests", ["Packets", "DeviceMemory"]),
        tests("FuzzTests", ["FuzzTargets", "DeviceMemory"]),
        tests("SimulationTests", ["Simulation", "TCPLite", "Packets", "PagePool", "DeviceMemory", "Timeline"]),
        tests("TCPLiteTests", ["TCPLite", "Packets", "PagePool", "HeaderSplit", "DeviceMemory", "Timeline"]),
    ],
    swiftLanguageModes: [.v6]
)
