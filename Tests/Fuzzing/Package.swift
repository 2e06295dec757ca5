// swift-tools-version: 6.2
import PackageDescription

/// libFuzzer on the parsers that read what others send. A package of its own: every module is built with the fuzzer's counters.
let package = Package(
    name: "fsot-fuzzing",
    dependencies: [.package(name: "fsot", path: "../..")],
    targets: [
        .executableTarget(
            name: "fsot-fuzz",
            dependencies: [
                .product(name: "OffsiteTuning", package: "fsot"), .product(name: "Sealing", package: "fsot"),
            ],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                // libFuzzer brings `main`.
                .unsafeFlags(["-parse-as-library"]),
            ]
        )
    ],
    swiftLanguageModes: [.v6]
)
