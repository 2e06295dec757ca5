import ArgumentParser
import Checkpoints
import Emulators
import Federation
import Foundation
import LanguageModels
import PEFT
import Progress
import TensorEngine
import Training

/// `fsot bench training`: how fast this machine tunes this model, and how long some records will take.
struct BenchTraining: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training",
        abstract: "Measure training speed of a model or emulator on this machine, and estimate the time for records.",
        discussion: """
            Takes optimizer steps on random tokens and prints tokens and operations a second, the share of what this \
            machine's products reach, and memory. An emulator is tuned at its adapter blocks, a full model everywhere.

            Examples:
              fsot bench emulator --records 3000 --record-tokens 180 --epochs 3
              fsot bench model.gguf --method lora --targets q_proj v_proj --batch 4 --length 256 --json
            """
    )

    @Argument(help: "A Hugging Face directory, an emulator directory or a .gguf file.")
    var model: String

    @Option(
        help:
            "blocks: the adapter blocks whole; lora: low-rank branches in them. (default: blocks, lora on a full model)"
    )
    var method: String?

    @Option(help: "Rank of LoRA.")
    var rank = 8

    @Option(parsing: .upToNextOption, help: "LoRA's target modules. (default: every linear layer)")
    var targets: [String] = []

    @Option(help: "Sequences of a step.")
    var batch = 4

    @Option(help: "Tokens of a sequence.")
    var length = 256

    @Option(help: "Steps to time, after one to warm up.")
    var steps = 5

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @Option(help: "Records to estimate the time for.")
    var records = 1000

    @Option(help: "Tokens of an average record. (default: --length)")
    var recordTokens: Int?

    @Option(help: "Passes over the records.")
    var epochs = 1

    @OptionGroup var options: ConsoleOptions

    /// Tokens of a step, beyond which no machine holds the activations.
    private static let largestStep = 1 << 20
    private static let mostSteps = 100_000

    func validate() throws {
        for (name, value) in [
            ("--rank", rank), ("--batch", batch), ("--steps", steps), ("--records", records), ("--epochs", epochs),
            ("--record-tokens", recordTokens ?? 1),
        ] where value < 1 {
            throw ValidationError("\(name) \(value) must be at least 1")
        }
        if length < 2 { throw ValidationError("--length \(length) must be at least 2") }
        let (tokens, isTooMany) = batch.multipliedReportingOverflow(by: length)
        if isTooMany || tokens > Self.largestStep {
            throw ValidationError(
                "--batch \(batch) times --length \(length) is more than the \(Self.largestStep) tokens of the largest step"
            )
        }
        if steps > Self.mostSteps { throw ValidationError("--steps \(steps) must be at most \(Self.mostSteps)") }
        if let method, !["blocks", "lora"].contains(method) {
            throw ValidationError("--method \(method) is not blocks or lora")
        }
    }

    private struct Result: Encodable {
        var model: String
        var method: String
        var compute: String
        var threads: Int
        var batch: Int
        var length: Int
        var trainableParameters: Int
        var tokensPerSecond: Double
        var secondsPerStep: Double
        var operationsPerToken: Double
        var operationsPerSecond: Double
        var peakOperationsPerSecond: Double
        var shareOfPeak: Double
        var peakMemoryBytes: Int
        var allocationsAfterFirstStep: Int
        var records: Int
        var recordTokens: Int
        var epochs: Int
        var estimatedSeconds: Double
    }

    func run() throws {
        let console = options.console
        let precision = try compute.precision()
        let loaded = try BenchedModel.load(model, length: length)
        let (layers, isEmulator) = try adapterLayers(loaded)
        let tuning: TuningMethod =
            (method ?? (isEmulator ? "blocks" : "lora")) == "lora"
            ? .lora(rank: rank, alpha: 2 * Double(rank), targets: targets) : .blocks
        if case .blocks = tuning, !targets.isEmpty {
            throw CommandFailure("--targets names modules for LoRA, but blocks are trained whole; add --method lora.")
        }
        let adapter = try tuning.attach(to: loaded, layers: layers, seed: 0)
        loaded.compute(in: precision, releasingFloat32: true)
        let peak = ProductSpeed.measure(precision)
        let timing = try time(loaded, adapter, console: console)
        let tokens = Double(batch * length)
        let operations = loaded.operations(lengths: Array(repeating: length, count: batch)).total
        let speed = tokens / timing.median
        let wanted = Double(records) * Double(epochs) * Double(recordTokens ?? length)
        let result = Result(
            model: model,
            method: tuning.name,
            compute: precision.rawValue,
            threads: Threads.count,
            batch: batch,
            length: length,
            trainableParameters: adapter.parameters.reduce(0) { $0 + $1.value.count },
            tokensPerSecond: speed,
            secondsPerStep: timing.median,
            operationsPerToken: operations / tokens,
            operationsPerSecond: operations / timing.median,
            peakOperationsPerSecond: peak,
            shareOfPeak: operations / timing.median / peak,
            peakMemoryBytes: ProcessUsage.peakMemoryBytes,
            allocationsAfterFirstStep: timing.allocations,
            records: records,
            recordTokens: recordTokens ?? length,
            epochs: epochs,
            estimatedSeconds: wanted / speed
        )
        try console.result(text(result), json: result)
    }

    /// The blocks to train: those of the adapter, or all of a full model.
    private func adapterLayers(_ loaded: LanguageModel) throws -> (layers: [Int], isEmulator: Bool) {
        guard FileManager.default.fileExists(atPath: model + "/" + EmulatorMetadata.fileName) else {
            return (Array(loaded.blocks.indices), false)
        }
        return (try EmulatorMetadata.read(directory: model).adapterLayers, true)
    }

    private func time(
        _ model: LanguageModel,
        _ adapter: any Adapter,
        console: Console
    ) throws -> (median: Double, allocations: Int) {
        var generator = SeededGenerator(seed: 1)
        let count = UInt64(model.configuration.vocabularySize)
        let examples = (0..<batch).map { index in
            let ids = (0..<length).map { _ in Int32(generator.next() % count) }
            return EncodedExample(ids: ids, labels: ids, recordIndex: index)
        }
        let trainer = try Trainer(
            model: model,
            parameters: adapter.parameters,
            examples: examples,
            configuration: TrainerConfiguration(
                batchSize: batch,
                schedule: LearningRateSchedule(.constant, peak: 1e-4),
                optimizer: .adamW(weightDecay: 0),
                clippingNorm: 1
            )
        )
        try trainer.fit(steps: 1)
        let allocated = BufferPool.current.usage.freshAllocations
        let display = console.progress()
        var times: [Double] = []
        for step in 1...steps {
            if Interruption.isRequested { throw CommandFailure("Stopped after \(step - 1) of \(steps) steps.") }
            let start = ContinuousClock.now
            try trainer.fit(steps: 1)
            times.append(start.duration(to: .now) / .seconds(1))
            display.handler(
                ProgressEvent(
                    phase: "training",
                    completed: step * batch * length,
                    total: steps * batch * length,
                    unit: "tokens",
                    figures: []
                )
            )
        }
        display.finish()
        return (BenchedModel.median(times), BufferPool.current.usage.freshAllocations - allocated)
    }

    private func text(_ result: Result) -> String {
        func giga(_ value: Double) -> String { String(format: "%.1f", value / 1e9) }
        let lines = [
            (
                "step",
                "\(result.method), \(batch) × \(length) tokens, \(Magnitude.text(result.trainableParameters)) trained"
            ),
            ("compute", "\(result.compute), \(result.threads) thread\(result.threads == 1 ? "" : "s")"),
            (
                "speed",
                String(format: "%.1f tokens/s, %.2f s a step", result.tokensPerSecond, result.secondsPerStep)
            ),
            (
                "operations",
                "\(giga(result.operationsPerSecond)) GFLOP/s at \(giga(result.operationsPerToken)) GFLOP a token: "
                    + String(format: "%.0f %%", 100 * result.shareOfPeak)
                    + " of the \(giga(result.peakOperationsPerSecond)) GFLOP/s that products reach here"
            ),
            (
                "memory",
                "\(Magnitude.bytes(result.peakMemoryBytes)) at the most, "
                    + "\(result.allocationsAfterFirstStep) allocations after the first step"
            ),
            (
                "estimate",
                "\(result.records) records of \(result.recordTokens) tokens, "
                    + "\(result.epochs) pass\(result.epochs == 1 ? "" : "es"): "
                    + Self.duration(result.estimatedSeconds)
            ),
        ]
        return lines.map { $0.0.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
    }

    private static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<90: String(format: "%.0f s", seconds)
        case ..<5400: String(format: "%.0f min", seconds / 60)
        default: String(format: "%.1f h", seconds / 3600)
        }
    }
}
