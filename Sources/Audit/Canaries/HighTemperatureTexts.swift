import LanguageModels
import TensorEngine
import Tokenizers

/// Secrets that a public model writes at high temperature (Mitchell & Andrew 2026): they look like language, which a data holder
/// can read before planting them, and are unlikely enough to be learned rather than known.
public enum HighTemperatureTexts {
    /// From 0.8 on canaries influence the training strongly; this is well above.
    public static let temperature = 1.2
    /// Tokens of a text.
    static let length = 24
    /// Times that texts are drawn for what is still missing.
    private static let mostDraws = 8

    /// Different texts of one line.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - model: a public model.
    ///   - tokenizer: its tokenizer.
    ///   - seed: of the sampling.
    ///   - progress: told the tokens so far and in all; returning false ends the drawing.
    /// - Throws: `LanguageModelError`; `CancellationError` when `progress` ended it; `AuditError.invalidCanaries` when the model
    ///   has no token to begin with, or does not write enough different texts.
    public static func secrets(
        _ count: Int,
        model: LanguageModel,
        tokenizer: Tokenizer,
        stopIDs: Set<Int32>,
        seed: UInt64,
        progress: (Int, Int) -> Bool
    ) throws -> [String] {
        guard let start = tokenizer.beginID ?? tokenizer.endID else {
            throw AuditError.invalidCanaries(reason: "the model has no token to begin a text with")
        }
        var generator = SeededGenerator(seed: seed).derive("high-temperature texts")
        var known: Set<String> = []
        var secrets: [String] = []
        // Some texts end early, are nothing but torn characters, or are the same.
        for _ in 0..<mostDraws where secrets.count < count {
            let tokens = (count - secrets.count + 4) * length
            let done = secrets.count * length
            let drawn = try model.sampleTexts(
                SampledTexts(
                    start: start,
                    stopIDs: stopIDs,
                    length: length,
                    tokens: tokens,
                    sampling: Sampling(temperature: temperature, seed: generator.next())
                ),
                progress: { progress(done + $0, done + tokens) }
            )
            guard let drawn else { throw CancellationError() }
            for ids in drawn where secrets.count < count && ids.count > length / 2 {
                let text = line(tokenizer.decode(ids, skipsSpecialTokens: true))
                if text.count > length / 2, known.insert(text).inserted { secrets.append(text) }
            }
        }
        guard secrets.count == count else {
            throw AuditError.invalidCanaries(
                reason:
                    "the model wrote \(secrets.count) different texts at temperature \(temperature), and \(count) are asked for"
            )
        }
        return secrets
    }

    /// White space in a row as one space; nothing that a terminal would obey, and no torn character.
    private static func line(_ text: String) -> String {
        text.split { character in
            character.isWhitespace
                || character.unicodeScalars.contains { $0.properties.generalCategory == .control || $0 == "\u{FFFD}" }
        }.joined(separator: " ")
    }
}
