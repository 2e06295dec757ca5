import ArgumentParser
import Foundation
import TensorEngine

/// `fsot-bench step`: one step, timed, as one line of JSON.
struct StepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "step",
        abstract: "Time one step and print one line of JSON.",
        discussion: """
            One run comes first and is not timed. Peak memory includes loading the model.

            Example:
              fsot-bench step lora-qv --model DIR --threads 2 --compute f32 --batch 4 --length 256 --steps 2
            """
    )

    @Argument(help: "What to measure: \(StepName.allCases.map(\.rawValue).joined(separator: ", ")).")
    var step: StepName

    @Option(help: "A Hugging Face directory or a .gguf file.")
    var model: String

    @Option(help: "Worker threads.")
    var threads = 1

    @Option(help: "Arithmetic of the matrix products: f32 or bf16.")
    var compute = Compute.f32

    @Option(help: "Sequences of a step.")
    var batch = 4

    @Option(help: "Tokens of a sequence.")
    var length = 256

    @Option(help: "Timed runs.")
    var steps = 2

    func validate() throws {
        for (name, value) in [("threads", threads), ("batch", batch), ("length", length), ("steps", steps)] {
            guard value > 0 else { throw ValidationError("--\(name) \(value): must be at least 1") }
        }
    }

    func run() throws {
        try compute.require()
        Threads.count = threads
        let measured = try step.prepare(
            model: model,
            shape: BatchShape(sequences: batch, length: length),
            compute: compute
        )
        let loadPeak = ResidentMemory.peakBytes
        var warmUp = Laps()
        let firstLoss = try measured.run(&warmUp)
        let allocations = BufferPool.current.usage.freshAllocations
        let laps = try (0..<steps).map { _ in
            var laps = Laps()
            _ = try measured.run(&laps)
            return laps
        }
        let (allocated, peak) = (BufferPool.current.usage.freshAllocations - allocations, ResidentMemory.peakBytes)
        let time = laps.map { threads == 1 ? $0.processorSeconds : $0.wallSeconds }.median
        let rooflineShare = measured.operations.map { $0 / time / ProductSpeed.measure(compute.precision) }
        let result = StepResult(
            engine: "fsot",
            step: step.rawValue,
            compute: compute.rawValue,
            threads: threads,
            batch: batch,
            length: length,
            steps: steps,
            wallTokensPerSecond: Rate(tokens: measured.tokens, seconds: laps.map(\.wallSeconds)),
            cpuTokensPerSecond: Rate(tokens: measured.tokens, seconds: laps.map(\.processorSeconds)),
            phaseSeconds: Dictionary(grouping: laps.flatMap(\.phases), by: \.name)
                .mapValues { $0.map(\.seconds).median },
            firstLoss: firstLoss,
            trainableParameters: measured.trainableParameters,
            loadPeakBytes: loadPeak,
            peakBytes: peak,
            freshAllocations: allocated,
            rooflineShare: rooflineShare,
            kernels: compute.kernels
        )
        print(try result.line())
    }
}

/// What a step's measurement prints; `peer/step.py` prints the same keys.
struct StepResult: Encodable {
    var engine: String
    var step: String
    var compute: String
    var threads: Int
    var batch: Int
    var length: Int
    var steps: Int
    var wallTokensPerSecond: Rate
    /// Tokens over the processor time of all threads together.
    var cpuTokensPerSecond: Rate
    /// Median seconds on the wall.
    var phaseSeconds: [String: Double]
    /// Before any update: equal in every engine.
    var firstLoss: Float?
    var trainableParameters: Int
    /// Peak resident memory when the model was ready.
    var loadPeakBytes: Int
    /// Peak resident memory at the end.
    var peakBytes: Int
    /// Buffers that the engine took from the system after the first run.
    var freshAllocations: Int
    /// The operations that the step needs, over those of the best matrix product in the same time: of the processor with
    /// one thread, on the wall with more.
    var rooflineShare: Double?
    var kernels: String

    func line() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

/// Tokens a second.
struct Rate: Encodable {
    var median: Double
    var best: Double

    init(tokens: Int, seconds: [Double]) {
        let rates = seconds.map { Double(tokens) / $0 }
        median = rates.median
        best = rates.max() ?? .nan
    }
}
