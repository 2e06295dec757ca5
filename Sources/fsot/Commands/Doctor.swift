import ArgumentParser
import Foundation
import TensorEngine

/// `fsot doctor`: what this machine offers and what fsot will use of it.
struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show CPU features, libraries, threads and memory, and what fsot will use.",
        discussion: """
            Example:
              fsot doctor
              FSOT_THREADS=1 fsot doctor --json
            """
    )

    @OptionGroup var output: ConsoleOptions

    private struct Result: Encodable {
        var processor: String
        var features: [String]
        var kernels: String
        var compute: String
        var threads: Int
        var threadsSource: String
        var memoryBytes: Int
        var availableBytes: Int
        var libraries: [String: String]
    }

    func run() throws {
        let cpu = Self.processor()
        let known = ["sse4_2", "avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"]
        let features = known.filter { cpu.flags.contains($0[...]) }
        let kernels =
            features.contains("avx512f")
            ? "x86-64-v4 (AVX-512)" : features.contains("avx2") ? "x86-64-v3 (AVX2)" : "baseline"
        let memory = Self.memory()
        let result = Result(
            processor: cpu.name,
            features: features,
            kernels: kernels,
            compute: ComputePrecision.fastest.rawValue,
            threads: Threads.count,
            threadsSource: Threads.requested == nil ? "the processors that it may run on" : "FSOT_THREADS",
            memoryBytes: memory.total,
            availableBytes: memory.available,
            libraries: Self.libraries()
        )
        let lines: [(String, String)] =
            [
                ("processor", result.processor),
                ("features", features.isEmpty ? "none of those that fsot knows" : features.joined(separator: " ")),
                ("kernels", kernels),
                (
                    "compute",
                    ComputePrecision.supportsBFloat16
                        ? "bf16 (own kernels, AVX512_BF16) to tune, compress, audit and bench; --compute f32 for OpenBLAS"
                        : "f32 (OpenBLAS): this processor has no AVX512_BF16"
                ),
                ("threads", "\(result.threads) (from \(result.threadsSource))"),
                ("memory", "\(Self.gigabytes(memory.total)) GiB, \(Self.gigabytes(memory.available)) GiB free"),
            ] + result.libraries.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        try output.console.result(
            lines.map { $0.0.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n"),
            json: result
        )
        if let text = ProcessInfo.processInfo.environment["FSOT_THREADS"], !text.isEmpty, Threads.requested == nil {
            output.console.warn("FSOT_THREADS is \(text) and ignored: set it to a positive number, or not at all.")
        }
        if memory.available > 0 && memory.available < 4 << 30 {
            output.console.warn("less than 4 GiB of memory are free: SmolLM2-135M needs about 2 to train.")
        }
    }

    private static func processor() -> (name: String, flags: Set<Substring>) {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        func value(_ key: String) -> Substring? {
            text.split(separator: "\n").first { $0.hasPrefix(key) }?.split(separator: ":", maxSplits: 1).last
        }
        let name = value("model name").map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
        return (name, Set((value("flags") ?? "").split(separator: " ")))
    }

    private static func memory() -> (total: Int, available: Int) {
        let text = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        func bytes(_ key: String) -> Int {
            let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
            return (line?.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
        }
        return (bytes("MemTotal"), bytes("MemAvailable"))
    }

    /// The files that the loader really mapped: what runs, not what is installed.
    private static func libraries() -> [String: String] {
        // A file that reports no size: reading it by path gives only its first page.
        let file = FileHandle(forReadingAtPath: "/proc/self/maps")
        let maps = String(decoding: (try? file?.readToEnd()) ?? Data(), as: UTF8.self)
        var found: [String: String] = [:]
        for (name, stem) in [
            ("OpenBLAS", "openblas"), ("libsodium", "libsodium"), ("OpenSSL", "libcrypto"), ("zlib", "libz."),
        ] {
            let path = maps.split(separator: "\n").compactMap { $0.split(separator: " ").last }
                .first { $0.contains("/") && $0.contains(stem) }
            found[name] = path.map { URL(fileURLWithPath: String($0)).resolvingSymlinksInPath().path } ?? "not loaded"
        }
        return found
    }

    private static func gigabytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / Double(1 << 30)) }
}
