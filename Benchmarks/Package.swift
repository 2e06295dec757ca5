// swift-tools-version: 6.2
import PackageDescription

/// Measures the main package from outside, through the products that everybody has.
let package = Package(
    name: "fsot-benchmarks",
    dependencies: [
        .package(name: "fsot", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        .executableTarget(
            name: "fsot-bench",
            dependencies: [
                "CPeaks",
                .product(name: "OffsiteTuning", package: "fsot"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: [
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .treatAllWarnings(as: .error),
            ]
        ),
        .target(name: "CPeaks"),
    ],
    swiftLanguageModes: [.v6]
)
