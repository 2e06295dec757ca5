// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target of ours. Warnings are errors here, never in a dependency.
let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Without `-fno-math-errno` each `Float.squareRoot()` is a checked C call: 3.7 times slower loops.
let numericSettings: [SwiftSetting] = swiftSettings + [.unsafeFlags(["-Xcc", "-fno-math-errno"])]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
/// The federation's wire; nothing else may use it.
let network: [Target.Dependency] =
    ["NIOCore", "NIOPosix", "NIOHTTP1", "NIOTLS"].map { .product(name: $0, package: "swift-nio") }
    + [.product(name: "NIOSSL", package: "swift-nio-ssl")]
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
    name: "fsot",
    products: [
        .executable(name: "fsot", targets: ["fsot"]),
        // Sealed emulators on their own: for `Tests/Fuzzing`, and for whoever opens what fsot seals.
        .library(name: "Sealing", targets: ["Sealing"]),
        // What the command is made of up to one data holder's step: for `Benchmarks/`, and for whoever embeds it.
        .library(
            name: "OffsiteTuning",
            targets: ["Emulators", "Training", "PEFT", "LanguageModels", "Tokenizers", "Checkpoints", "TensorEngine"]
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
    ],
    targets: [
        // MARK: - The house, top to bottom: a target depends only on targets listed below it
        .executableTarget(
            name: "fsot",
            dependencies: [
                "Audit", "Federation", "Emulators", "Training", "PEFT", "LanguageModels", "Tokenizers", "Checkpoints",
                "SecureAggregation", "DifferentialPrivacy", "Sealing", "Cryptography", "TensorEngine", "Compression",
                "AtomicFiles", "Progress",
                argumentParser, logging, yams,
            ],
            swiftSettings: swiftSettings
        ),
        .target(
            name: "Audit",
            dependencies: [
                "Federation", "Emulators", "Training", "PEFT", "LanguageModels", "Tokenizers", "Checkpoints",
                "DifferentialPrivacy", "Cryptography", "TensorEngine", "Compression", "AtomicFiles", "Progress",
                "ReportPages", logging,
            ],
            swiftSettings: numericSettings
        ),
        .target(
            name: "Federation",
            dependencies: [
                "Emulators", "Training", "PEFT", "LanguageModels", "Tokenizers", "Checkpoints", "SecureAggregation",
                "DifferentialPrivacy", "Sealing", "Cryptography", "TensorEngine", "AtomicFiles", "Progress",
                "ReportPages", logging,
            ] + network,
            swiftSettings: numericSettings
        ),
        .target(
            name: "Emulators",
            dependencies: [
                "Training", "PEFT", "LanguageModels", "Tokenizers", "Checkpoints", "Cryptography", "TensorEngine",
                "AtomicFiles", "Progress", "ReportPages", logging,
            ],
            swiftSettings: numericSettings
        ),
        .target(
            name: "Training",
            dependencies: [
                "PEFT", "LanguageModels", "Tokenizers", "Checkpoints", "DifferentialPrivacy", "TensorEngine",
                "Compression", "AtomicFiles", "Progress", logging,
            ],
            swiftSettings: numericSettings
        ),
        .target(
            name: "PEFT",
            dependencies: ["LanguageModels", "Checkpoints", "TensorEngine", "AtomicFiles"],
            swiftSettings: numericSettings
        ),
        .target(
            name: "LanguageModels",
            dependencies: ["Tokenizers", "Checkpoints", "TensorEngine", "AtomicFiles", "Progress"],
            swiftSettings: numericSettings
        ),
        .target(name: "Tokenizers", dependencies: ["Checkpoints"], swiftSettings: swiftSettings),
        .target(
            name: "Checkpoints",
            dependencies: ["TensorEngine", "AtomicFiles"],
            swiftSettings: numericSettings
        ),
        .target(
            name: "SecureAggregation",
            dependencies: ["Cryptography"],
            exclude: ["SA1.md"],
            swiftSettings: swiftSettings
        ),
        .target(name: "DifferentialPrivacy", dependencies: ["Cryptography"], swiftSettings: numericSettings),
        .target(
            name: "Sealing",
            dependencies: ["Cryptography", "AtomicFiles", "Progress"],
            swiftSettings: swiftSettings
        ),
        .target(name: "Cryptography", dependencies: ["CSodium", "COpenSSL"], swiftSettings: swiftSettings),
        .target(name: "TensorEngine", dependencies: ["CKernels", "COpenBLAS"], swiftSettings: numericSettings),
        .target(
            name: "CKernels",
            cSettings: [
                .unsafeFlags(["-O3"]),
                .unsafeFlags(["-fno-math-errno"]),
            ]
        ),
        .target(name: "Compression", dependencies: ["CZlib"], swiftSettings: swiftSettings),
        .target(name: "AtomicFiles", swiftSettings: swiftSettings),
        .target(name: "Progress", swiftSettings: swiftSettings),
        .target(name: "ReportPages", swiftSettings: swiftSettings),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // MARK: - Tests
        .target(
            name: "TestSupport",
            dependencies: ["LanguageModels", "Checkpoints", "TensorEngine"],
            path: "Tests/TestSupport",
            swiftSettings: swiftSettings
        ),
    ]
        + [
            ("AtomicFiles", []), ("Progress", []), ("Compression", []),
            ("TensorEngine", ["CKernels"]),
            ("Cryptography", []),
            ("Sealing", ["Cryptography", "AtomicFiles"]),
            ("SecureAggregation", ["Cryptography"]),
            ("DifferentialPrivacy", ["Cryptography"]),
            ("Checkpoints", ["TensorEngine", "AtomicFiles"]),
            ("Tokenizers", ["Checkpoints"]),
            ("LanguageModels", ["Tokenizers", "Checkpoints", "TensorEngine"]),
            ("PEFT", ["LanguageModels", "Checkpoints", "TensorEngine", "Tokenizers"]),
            (
                "Training",
                [
                    "PEFT", "LanguageModels", "Tokenizers", "Checkpoints", "DifferentialPrivacy", "TensorEngine",
                    "Compression", "AtomicFiles", "Progress",
                ]
            ),
            (
                "Emulators",
                [
                    "Training", "PEFT", "LanguageModels", "Tokenizers", "Checkpoints", "TensorEngine", "AtomicFiles",
                    "Progress",
                ]
            ),
            (
                "Federation",
                [
                    "Emulators", "Training", "PEFT", "LanguageModels", "Tokenizers", "Checkpoints",
                    "SecureAggregation", "DifferentialPrivacy", "Sealing", "Cryptography", "TensorEngine",
                    "AtomicFiles", "Progress",
                ]
            ),
            (
                "Audit",
                [
                    "Federation", "Emulators", "Training", "PEFT", "LanguageModels", "Tokenizers", "Checkpoints",
                    "DifferentialPrivacy", "TensorEngine", "Compression", "AtomicFiles", "Progress",
                ]
            ),
        ].map { (module: String, others: [String]) in
            .testTarget(
                name: "\(module)Tests",
                dependencies: [.target(name: module), "TestSupport", logging] + others.map { .target(name: $0) }
                    + (module == "Federation" ? network : []),
                swiftSettings: swiftSettings
            )
        }
        + [
            .testTarget(
                name: "CommandLineTests",
                dependencies: [
                    "fsot", "Emulators", "PEFT", "LanguageModels", "Checkpoints", "TensorEngine", "TestSupport",
                ],
                swiftSettings: swiftSettings
            ),
            .testTarget(name: "ArchitectureTests", dependencies: ["TestSupport"], swiftSettings: swiftSettings),
        ],
    swiftLanguageModes: [.v6]
)
