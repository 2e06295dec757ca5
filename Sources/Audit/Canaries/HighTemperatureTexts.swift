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
        // Some texts end early or are the same.
        let tokens = (count + count / 4 + 8) * length
        var generator = SeededGenerator(seed: seed).derive("high-temperature texts")
        let drawn = try model.sampleTexts(
            SampledTexts(
                start: start,
                stopIDs: stopIDs,
                length: length,
                tokens: tokens,
                sampling: Sampling(temperature: temperature, seed: generator.next())
            ),
            progress: { progress($0, tokens) }
        )
        guard let drawn else { throw CancellationError() }
        var known: Set<String> = []
        var secrets: [String] = []
        for ids in drawn where secrets.count < count && ids.count > length / 2 {
            let text = line(tokenizer.decode(ids, skipsSpecialTokens: true))
            // A text that breaks off within a character is no text.
            if text.count > length, !text.contains("\u{FFFD}"), known.insert(text).inserted { secrets.append(text) }
        }
        guard secrets.count == count else {
            throw AuditError.invalidCanaries(
                reason:
                    "the model wrote \(secrets.count) different texts at temperature \(temperature), and \(count) are asked for"
            )
        }
        return secrets
    }

    /// White space in a row as one space; nothing that a terminal would obey.
    private static func line(_ text: String) -> String {
        text.split { $0.isWhitespace || $0.unicodeScalars.contains { $0.properties.generalCategory == .control } }
            .joined(separator: " ")
    }
}
