import ArgumentParser
import Audit
import Foundation
import LanguageModels
import Progress
import TensorEngine

/// `fsot bench scoring`: how fast records are scored for an audit, against the forward pass that it cannot do without.
struct BenchScoring: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scoring",
        abstract: "Measure how fast this machine scores records for an audit.",
        discussion: """
            Scores random records as fsot audit does and compares, in turns in the same run, with prefill: the forward pass \
            over the same tokens and the logits of every one, without any statistics. Records of which only the answer \
            carries loss are faster than prefill, because the head is not run for the prompt.

            Examples:
              fsot bench scoring model.gguf
              fsot bench scoring emulator --records 32 --length 256 --answer 0.5 --json
            """
    )

    @Argument(help: "A Hugging Face directory, an emulator directory or a .gguf file.")
    var model: String

    @Option(help: "Records to score at once.")
    var records = 64

    @Option(help: "Tokens of a record.")
    var length = 128

    @Option(help: "The last share of a record that carries loss, above 0 to 1.")
    var answer = 1.0

    @Option(help: "Times that each is measured; the medians are printed.")
    var runs = 5

    @Option(help: ComputeChoice.help)
    var compute: ComputeChoice = .auto

    @OptionGroup var options: ConsoleOptions

    private static let mostTokens = 1 << 20

    func validate() throws {
        for (name, value) in [("--records", records), ("--runs", runs)] where value < 1 {
            throw ValidationError("\(name) \(value) must be at least 1")
        }
        if length < 2 { throw ValidationError("--length \(length) must be at least 2") }
        let (tokens, isTooMany) = records.multipliedReportingOverflow(by: length)
        if isTooMany || tokens > Self.mostTokens {
            throw ValidationError(
                "--records \(records) times --length \(length) is more than \(Self.mostTokens) tokens"
            )
        }
        guard answer > 0, answer <= 1 else {
            throw ValidationError("--answer \(answer) is not above 0 and at most 1")
        }
    }

    private struct Result: Encodable {
        var model: String
        var compute: String
        var threads: Int
        var records: Int
        var length: Int
        var scored_tokens: Int
        var prefill_tokens_per_second: Double
        var scoring_tokens_per_second: Double
        var scoring_to_prefill: Double
    }

    func run() throws {
        let console = options.console
        let precision = try compute.precision()
        let loaded = try BenchedModel.load(model, length: length)
        loaded.compute(in: precision, releasingFloat32: true)
        let scored = max(1, min(length - 1, Int((answer * Double(length)).rounded())))
        let sequences = sequences(scored: scored, vocabulary: loaded.configuration.vocabularySize)
        let display = console.progress()
        // One of each to warm up, then in turns: what else the machine does meets both.
        var times: (prefill: [Double], scoring: [Double]) = ([], [])
        for turn in 0...runs {
            let prefill = try time { try Self.prefill(loaded, sequences) }
            let scoring = try time { _ = try loaded.observations(of: sequences) }
            if turn > 0 {
                times.prefill.append(prefill)
                times.scoring.append(scoring)
            }
            display.handler(ProgressEvent(phase: "scoring", completed: turn, total: runs, unit: "runs", figures: []))
        }
        display.finish()
        let tokens = Double(records * length)
        let ratios = zip(times.prefill, times.scoring).map { $0 / $1 }
        let result = Result(
            model: model,
            compute: precision.rawValue,
            threads: Threads.count,
            records: records,
            length: length,
            scored_tokens: scored,
            prefill_tokens_per_second: tokens / BenchedModel.median(times.prefill),
            scoring_tokens_per_second: tokens / BenchedModel.median(times.scoring),
            scoring_to_prefill: BenchedModel.median(ratios)
        )
        try console.result(text(result), json: result)
    }

    private func sequences(scored: Int, vocabulary: Int) -> [ScoredSequence] {
        var generator = SeededGenerator(seed: 1)
        return (0..<records).map { _ in
            let ids = (0..<length).map { _ in Int32(generator.next() % UInt64(vocabulary)) }
            return ScoredSequence(
                ids: ids,
                labels: ids.enumerated().map { $0.offset < length - scored ? -100 : $0.element }
            )
        }
    }

    /// The forward pass in batches of as many rows as scoring takes, and the logits of every token.
    private static func prefill(_ model: LanguageModel, _ sequences: [ScoredSequence]) throws {
        guard let length = sequences.first?.ids.count else { return }
        let size = max(1, LanguageModel.scoringRows / length)
        for start in stride(from: 0, to: sequences.count, by: size) {
            let part = sequences[start..<min(sequences.count, start + size)].map(\.ids)
            for ids in part { try model.validate(ids) }
            let layout = SequenceLayout(lengths: part.map(\.count))
            let tape = Tape(isRecording: false)
            let states = model.hidden(part.flatMap { $0 }, layout: layout, on: tape)
            for row in stride(from: 0, to: states.rows, by: 128) {
                _ = logits(
                    hidden: states.copyRows(row..<min(states.rows, row + 128)),
                    head: model.headWeight
                )
            }
        }
    }

    private func time(_ work: () throws -> Void) throws -> Double {
        try Interruption.check()
        let start = ContinuousClock.now
        try work()
        return start.duration(to: .now) / .seconds(1)
    }

    private func text(_ result: Result) -> String {
        [
            ("records", "\(records) of \(length) tokens, \(result.scored_tokens) of them scored"),
            ("compute", "\(result.compute), \(result.threads) thread\(result.threads == 1 ? "" : "s")"),
            ("prefill", String(format: "%.0f tokens/s, the logits of every token", result.prefill_tokens_per_second)),
            (
                "scoring",
                String(
                    format: "%.0f tokens/s, %.2f of prefill",
                    result.scoring_tokens_per_second,
                    result.scoring_to_prefill
                )
            ),
        ].map { $0.0.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.1 }.joined(separator: "\n")
    }
}
