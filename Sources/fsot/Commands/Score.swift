import ArgumentParser
import AtomicFiles
import Checkpoints
import Foundation
import LanguageModels
import Progress
import TensorEngine

/// `fsot score`: the log-probability of every token.
struct Score: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write the log-probability that a model gives to every token of texts.",
        discussion: """
            The input has {"text": …} or {"ids": […]} on each line. The output has, line by line, "ids", "logprobs" \
            (natural logarithm of p(id[i+1] | ids[..i]), so one fewer than ids), their "sum" and their "mean" (null \
            when nothing is predicted). No begin token is added; special tokens in the text are parsed.

            Example:
              fsot score model.gguf --input texts.jsonl --output scores.jsonl
              fsot score model.gguf --adapter run/adapter --input texts.jsonl --output scores.jsonl
            """
    )

    @OptionGroup var source: ModelOptions

    @Option(help: "JSONL, optionally gzip.")
    var input: String

    @Option(name: [.short, .long], help: "The JSONL to write.")
    var output: String

    @OptionGroup var options: ConsoleOptions

    private struct Result: Encodable {
        var output: String
        var texts: Int
        var predictedTokens: Int
        var meanLogProbability: Double?
        var perplexity: Double?
    }

    func run() throws {
        let console = options.console
        let loaded = try source.load(for: console)
        let lines = try TextLines(
            path: input,
            tokenizer: loaded.tokenizer,
            vocabularySize: loaded.model.configuration.vocabularySize
        )
        for entry in lines.entries where entry.ids.count > loaded.maximumTokens {
            throw CommandFailure(
                "\(input) line \(entry.line) has \(entry.ids.count) tokens but the model takes at most "
                    + "\(loaded.maximumTokens); shorten it."
            )
        }
        let writer = try AtomicFileWriter(path: output)
        let progress = console.progress()
        let total = lines.entries.reduce(0) { $0 + $1.ids.count }
        var (done, predicted, sum) = (0, 0, 0.0)
        // A chunk fills about one scoring pass, so that the bar moves and no more than that is held.
        var chunk: [TextLines.Entry] = []
        func flush() throws {
            let scores = try loaded.model.score(chunk.map(\.ids))
            for (entry, statistics) in zip(chunk, scores) {
                let text = try Self.line(entry, statistics, path: input)
                try writer.write(Data((text + "\n").utf8))
                predicted += statistics.count
                sum += statistics.reduce(0) { $0 + Double($1.logProbability) }
                done += entry.ids.count
            }
            chunk = []
            progress.handler(ProgressEvent(phase: "scoring", completed: done, total: total, unit: "tokens"))
        }
        progress.handler(ProgressEvent(phase: "scoring", completed: 0, total: total, unit: "tokens"))
        for entry in lines.entries {
            chunk.append(entry)
            if chunk.reduce(0, { $0 + $1.ids.count }) >= 1024 { try flush() }
            try Interruption.check()
        }
        try flush()
        try writer.commit()
        progress.finish()
        let mean = predicted == 0 ? nil : sum / Double(predicted)
        let result = Result(
            output: output,
            texts: lines.entries.count,
            predictedTokens: predicted,
            meanLogProbability: mean,
            perplexity: mean.map { exp(-$0) }
        )
        let figures = mean.map { String(format: ", mean log-probability %.4f, perplexity %.3f", $0, exp(-$0)) } ?? ""
        try console.result("\(output): \(result.texts) texts, \(predicted) predicted tokens\(figures)", json: result)
    }

    private static func line(_ entry: TextLines.Entry, _ statistics: [TokenStatistics], path: String) throws -> String {
        let values = statistics.map(\.logProbability)
        guard values.allSatisfy(\.isFinite) else {
            throw CommandFailure(
                "\(path) line \(entry.line): the model gives a log-probability that is not a finite number; check the "
                    + "adapter, or fetch the model again."
            )
        }
        let sum = values.reduce(0) { $0 + Double($1) }
        // The shortest digits that read back to the same float, not those of its double.
        let texts = values.map(\.description).joined(separator: ",")
        let mean = values.isEmpty ? "null" : (sum / Double(values.count)).description
        let ids = entry.ids.map(\.description).joined(separator: ",")
        return #"{"ids":[\#(ids)],"logprobs":[\#(texts)],"mean":\#(mean),"sum":\#(sum.description)}"#
    }
}
