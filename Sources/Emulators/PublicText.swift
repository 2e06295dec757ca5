import Foundation
import LanguageModels
import TensorEngine
import Tokenizers
import Training

/// Text that the owner may show: what emulators are distilled on and probed with.
public struct PublicText: Sendable {
    /// Token sequences, none longer than asked for.
    public let sequences: [[Int32]]
    /// Where the text came from, for reports.
    public let source: String

    /// Tokens in all.
    public var tokenCount: Int { sequences.reduce(0) { $0 + $1.count } }

    /// Wraps sequences.
    public init(sequences: [[Int32]], source: String) {
        self.sequences = sequences
        self.source = source
    }

    /// Reads plain text (cut into windows) or records in JSONL or CSV (one sequence a record).
    ///
    /// The licence and header of a Project Gutenberg text are left out.
    ///
    /// - Parameters:
    ///   - path: `.txt` is plain text, anything else records.
    ///   - tokenizer: the model's.
    ///   - length: the longest sequence.
    ///   - encoder: how records become text, as data holders will have it; nil: their fields, joined.
    /// - Throws: `EmulatorError.notEnoughText` for an empty file, `TrainingError` for damaged records.
    public static func read(
        _ path: String,
        tokenizer: Tokenizer,
        length: Int,
        encoder: RecordEncoder? = nil
    ) throws -> PublicText {
        var sequences: [[Int32]] = []
        if path.lowercased().hasSuffix(".txt") {
            guard let data = FileManager.default.contents(atPath: path), let text = String(data: data, encoding: .utf8)
            else { throw TrainingError.unreadable(path: path, reason: "it is missing or not UTF-8 text") }
            let ids = tokenizer.encode(body(of: text), parsesSpecialTokens: false)
            sequences = stride(from: 0, to: ids.count, by: length).map { Array(ids[$0..<min(ids.count, $0 + length)]) }
        } else {
            sequences = try RecordFile.read(path).enumerated().map { index, record in
                // A record without an answer is still text.
                let ids =
                    try record.hasEmptyAnswer ? nil : encoder?.encode(record, index: index).ids
                return Array((ids ?? tokenizer.encode(record.fullText, parsesSpecialTokens: false)).prefix(length))
            }
        }
        sequences.removeAll { $0.count < 2 }
        guard !sequences.isEmpty else { throw EmulatorError.notEnoughText(source: path, tokens: 0, needed: 2) }
        return PublicText(sequences: sequences, source: (path as NSString).lastPathComponent)
    }

    /// The first sequences of about `tokens` tokens in all, in groups of about a thousand.
    func batches(tokens: Int) -> [[[Int32]]] {
        var batches: [[[Int32]]] = []
        var (total, size) = (0, Int.max)
        for sequence in sequences {
            if total >= tokens { break }
            if size >= 1024 {
                batches.append([])
                size = 0
            }
            batches[batches.count - 1].append(sequence)
            size += sequence.count
            total += sequence.count
        }
        return batches
    }

    /// Takes every `n`-th sequence away, for a probe that distillation has not seen.
    public func holdingOut(every n: Int) -> (rest: PublicText, heldOut: PublicText) {
        let parts = sequences.enumerated()
        return (
            PublicText(sequences: parts.filter { $0.offset % n != n - 1 }.map(\.element), source: source),
            PublicText(sequences: parts.filter { $0.offset % n == n - 1 }.map(\.element), source: source)
        )
    }

    private static func body(of text: String) -> String {
        guard let start = text.range(of: "*** START OF"), let end = text.range(of: "*** END OF"),
            let line = text[start.upperBound...].firstIndex(of: "\n"), line < end.lowerBound
        else { return text }
        return String(text[line..<end.lowerBound])
    }

    /// Text that the full model makes up itself: ancestral sampling from the end-of-text token.
    ///
    /// - Parameters:
    ///   - model: the full model.
    ///   - start: the token to start from.
    ///   - tokens: how many in all.
    ///   - length: tokens of a sequence.
    ///   - seed: decides the draws.
    ///   - progress: told the tokens so far; returning false stops.
    /// - Throws: `LanguageModelError`; `CancellationError` when stopped.
    public static func generated(
        by model: LanguageModel,
        start: Int32,
        tokens: Int,
        length: Int,
        seed: UInt64,
        progress: (Int) -> Bool
    ) throws -> PublicText {
        let request = SampledTexts(
            start: start,
            stopIDs: [start],
            length: length,
            tokens: tokens,
            sampling: Sampling(temperature: 1, topP: 0.95, seed: seed)
        )
        guard let texts = try model.sampleTexts(request, progress: progress) else { throw CancellationError() }
        return PublicText(sequences: texts.filter { $0.count > 1 }, source: "generated by the full model")
    }
}
