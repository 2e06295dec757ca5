import ArgumentParser
import Emulators
import Foundation
import LanguageModels
import PEFT
import Progress
import TensorEngine
import Training

/// `fsot data check`: what is in the files, before anything is trained on them.
struct DataCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Count records, tokens, duplicates, empty answers and likely identifiers; estimate time and memory.",
        discussion: """
            Nothing of a record's text is printed: likely identifiers are shown as shapes (Xxxx 00). With --model the \
            tokens are counted, and two short training steps are timed for the estimate. Give the emulator that you \
            will tune as MODEL.

            Example:
              fsot data check north.jsonl lake.jsonl --model emulator
            """
    )

    @Argument(help: "One file = one data holder: JSONL (optionally gzip) or CSV.")
    var files: [String]

    @Option(help: "The emulator or model to tune: a directory or a .gguf file. Without it tokens are not counted.")
    var model: String?

    @Option(help: "How records become prompts: alpaca, chatml or plain.")
    var template: PromptTemplate = .alpaca

    @Option(help: "Longest example in tokens; what exceeds it is cut off.")
    var maxLength = 512

    @Option(help: "Records a step, for the estimate.")
    var batch = 4

    @Option(help: "Which CSV column feeds which key: instruction=Question,output=Answer.")
    var columns: String?

    @Flag(inversion: .prefixedNo, help: "Time two training steps for the estimate.")
    var estimate = true

    @OptionGroup var options: ConsoleOptions

    func validate() throws {
        if maxLength < 2 { throw ValidationError("--max-length \(maxLength) must be at least 2") }
        if batch < 1 { throw ValidationError("--batch \(batch) must be at least 1") }
    }

    func run() throws {
        let console = options.console
        let mapping = try columns.map { try ColumnMapping(parsing: $0) }
        let records = try files.map { try RecordFile.open($0, columns: mapping, emptyAnswers: .accepted) }
        var encoder: RecordEncoder?
        var speed: DataCheck.Speed?
        if let model {
            let opened = try ModelFiles(path: model)
            let made = try RecordEncoder(
                opened.tokenizer,
                template: template,
                maximumLength: maxLength,
                configuration: opened.configuration
            )
            encoder = made
            if estimate {
                speed = try Self.measure(
                    try LoadedModel(path: model, precision: .fastest, console: console).model,
                    modelPath: model,
                    on: try Self.sample(records, encoder: made, count: batch),
                    batch: batch
                )
            }
        }
        let check = try DataCheck.run(records, encoder: encoder, speed: speed)
        try console.result(check.holders.map(Self.text).joined(separator: "\n\n"), json: check)
    }

    /// The longest of the first records: what a full batch looks like.
    private static func sample(
        _ files: [RecordFile],
        encoder: RecordEncoder,
        count: Int
    ) throws -> [EncodedExample] {
        let records = files.flatMap { $0.records.prefix(64) }.filter { !$0.hasEmptyAnswer }
        let examples = try encoder.encode(records).examples
        return Array(examples.sorted { $0.ids.count > $1.ids.count }.prefix(count))
    }

    /// Times a step of the adapter's blocks: those that `emulator.json` names, else two at each end.
    private static func measure(
        _ model: LanguageModel,
        modelPath: String,
        on examples: [EncodedExample],
        batch: Int
    ) throws -> DataCheck.Speed? {
        guard !examples.isEmpty else { return nil }
        let count = model.blocks.count
        let hasDescription = FileManager.default.fileExists(atPath: modelPath + "/" + EmulatorMetadata.fileName)
        let layers =
            hasDescription
            ? try EmulatorMetadata.read(directory: modelPath).adapterLayers
            : Array(Set((0..<min(2, count))).union(max(0, count - 2)..<count))
        let adapter = try WholeBlocks(layers, of: model)
        let tokens = TokenBatch(examples)
        var fastest = Double.infinity
        for _ in 0..<2 {
            let start = ContinuousClock.now
            let tape = Tape()
            tape.backward(from: model.loss(tokens, on: tape))
            for parameter in adapter.parameters { parameter.zeroGradient() }
            fastest = min(fastest, (ContinuousClock.now - start) / .seconds(1))
        }
        return DataCheck.Speed(
            tokensPerSecond: Double(tokens.ids.count) / max(fastest, 1e-9),
            batchSize: batch,
            model: ModelFootprint(model)
        )
    }

    private static func text(_ holder: DataCheck.Holder) -> String {
        var lines: [(String, String)] = [("records", "\(holder.records)")]
        if holder.subjects > 0 { lines.append(("subjects", "\(holder.subjects)")) }
        if !holder.categories.isEmpty {
            let sorted = holder.categories.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            let shown = sorted.prefix(6).map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            lines.append(("categories", "\(holder.categories.count): " + shown + (sorted.count > 6 ? ", …" : "")))
        }
        if let tokens = holder.tokens {
            lines.append(("tokens", "\(tokens.used) an epoch, \(tokens.labelled) of them learned"))
            lines.append(("length", "mean \(Int(tokens.mean.rounded())), longest \(tokens.longest)"))
            let share = 100 * Double(tokens.truncated) / Double(max(holder.records, 1))
            lines.append(
                (
                    "truncated",
                    "\(tokens.truncated) (\(String(format: "%.1f", share)) %) at \(tokens.maximumLength) tokens, "
                        + "\(tokens.withoutLabels) of them without any answer left"
                )
            )
        }
        let empty = holder.emptyAnswers
        let places = empty.prefix(5).map(String.init).joined(separator: ", ") + (empty.count > 5 ? ", …" : "")
        lines.append(("empty answers", empty.isEmpty ? "0" : "\(empty.count) (lines \(places)); tune refuses them"))
        let duplicates = holder.duplicates
        lines.append(("duplicates", "\(duplicates.exact) exact, \(duplicates.near) near"))
        if duplicates.exactAcrossHolders + duplicates.overlappingAcrossHolders > 0 {
            lines.append(
                (
                    "shared",
                    "\(duplicates.exactAcrossHolders) exactly in another holder's file, "
                        + "\(duplicates.overlappingAcrossHolders) nearly"
                )
            )
        }
        let identifiers = holder.identifiers.sorted { $0.key.rawValue < $1.key.rawValue }
        if identifiers.isEmpty { lines.append(("identifiers", "none found; names and places are not looked for")) }
        for (kind, found) in identifiers {
            lines.append(
                (
                    "identifiers",
                    "\(kind.rawValue): \(found.count) in \(found.records) records, like \(found.examples.joined(separator: ", "))"
                )
            )
        }
        if let estimate = holder.estimate {
            lines.append(
                (
                    "estimate",
                    "\(ProgressMeter.duration(estimate.secondsPerEpoch)) an epoch, "
                        + "\(Magnitude.bytes(estimate.peakBytes)) of memory"
                )
            )
        }
        return holder.path + "\n"
            + lines.map { "  " + $0.0.padding(toLength: 15, withPad: " ", startingAt: 0) + $0.1 }.joined(
                separator: "\n"
            )
    }
}
