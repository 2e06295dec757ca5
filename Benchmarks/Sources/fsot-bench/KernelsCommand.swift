import ArgumentParser
import Foundation
import TensorEngine

/// `fsot-bench kernels`: each operation of a training step on its own.
struct KernelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Time the engine's operations at the sizes of SmolLM2-135M.",
        discussion: """
            GFLOP/s of matrix products and their share of what the processor's own instructions reach; GB/s of the \
            others, as if every operand moved once (many stay in the cache). CPU seconds with one thread, wall with more.

            Example:
              fsot-bench kernels --threads 1
            """
    )

    @Option(help: "Worker threads.")
    var threads = 1

    @Option(help: "Arithmetic of the matrix products: f32 or bf16.")
    var compute = Compute.f32

    @Option(help: "Seconds for each operation.")
    var seconds = 0.5

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard threads > 0 else { throw ValidationError("--threads \(threads): must be at least 1") }
        guard seconds > 0 else { throw ValidationError("--seconds \(seconds): must be above 0") }
    }

    private struct Figure: Encodable {
        var name: String
        var shape: String
        var milliseconds: Double
        var gigaflops: Double?
        var gigabytes: Double?
        var shareOfPeak: Double?
    }

    private struct Result: Encodable {
        var threads: Int
        var compute: String
        var kernels: String
        var corePeaks: Peaks
        var figures: [Figure]
    }

    func run() throws {
        try compute.require()
        Threads.count = threads
        let peaks = Peaks()
        let peak = (compute == .bf16 ? peaks.bf16 : peaks.f32) * Double(threads)
        let figures = KernelList(precision: compute.precision).all().map { kernel in
            let time = Timing.median(threads: threads, seconds: seconds, kernel.run)
            var figure = Figure(name: kernel.name, shape: kernel.shape, milliseconds: time * 1e3)
            switch kernel.work {
            case .operations(let count):
                figure.gigaflops = count / time / 1e9
                figure.shareOfPeak = peak > 0 ? count / time / 1e9 / peak : nil
            case .bytes(let count): figure.gigabytes = count / time / 1e9
            }
            return figure
        }
        let result = Result(
            threads: threads,
            compute: compute.rawValue,
            kernels: compute.kernels,
            corePeaks: peaks,
            figures: figures
        )
        if json {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(result), as: UTF8.self))
        } else {
            print(Self.markdown(result))
        }
    }

    private static func markdown(_ result: Result) -> String {
        func number(_ value: Double?, _ format: String) -> String { value.map { String(format: format, $0) } ?? "" }
        let peaks = result.corePeaks
        var lines = [
            "\(result.compute), \(result.threads) thread\(result.threads > 1 ? "s" : ""), \(result.kernels)",
            String(
                format: "One core: %.0f GFLOP/s in f32, %.0f in bf16, %.1f GB/s read from memory",
                peaks.f32,
                peaks.bf16,
                peaks.readGigabytes
            ),
            "",
            "| operation | shape | ms | GFLOP/s | of peak | GB/s |",
            "|---|---|---|---|---|---|",
        ]
        lines += result.figures.map { figure in
            let cells = [
                figure.name, figure.shape, number(figure.milliseconds, "%.3f"), number(figure.gigaflops, "%.0f"),
                number(figure.shareOfPeak.map { $0 * 100 }, "%.0f %%"), number(figure.gigabytes, "%.1f"),
            ]
            return "| " + cells.joined(separator: " | ") + " |"
        }
        return lines.joined(separator: "\n")
    }
}
