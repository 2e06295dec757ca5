import TensorEngine
import Tokenizers
import Training

/// Secrets of vocabulary tokens that no record has (Panda et al. 2025).
///
/// The embedding and the head are frozen in offsite-tuning, so a new token cannot be appended; one that exists and never occurs
/// in the records serves as well: nothing but its canary teaches the adapter to say it.
public enum UnseenTokens {
    /// Tokens of a secret.
    static let length = 4
    /// What stands before a secret when its tokens are checked; a prompt ends in a letter.
    private static let context = "a"

    /// Secrets that share no token with a record or with one another.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - tokenizer: of the model that will be tuned.
    ///   - records: all records of the plan.
    ///   - seed: of the choice among the unseen tokens.
    /// - Throws: `AuditError.invalidCanaries` when the vocabulary has too few tokens that no record uses.
    public static func secrets(
        _ count: Int,
        tokenizer: Tokenizer,
        vocabulary: Int,
        avoiding records: [Record],
        seed: UInt64
    ) throws -> [String] {
        var seen: Set<Int32> = []
        for record in records { seen.formUnion(tokenizer.encode(record.fullText, parsesSpecialTokens: false)) }
        var generator = SeededGenerator(seed: seed).derive("unseen tokens")
        let before = tokenizer.encode(context, parsesSpecialTokens: false)
        var secrets: [String] = []
        var pieces: [(id: Int32, text: String)] = []
        for id in (0..<Int32(vocabulary)).shuffled(using: &generator) where !seen.contains(id) {
            if secrets.count == count { break }
            let text = String(tokenizer.decode(before + [id]).dropFirst(context.count))
            // Only what starts a word keeps its token whatever stands before it.
            guard text.first == " ", text.dropFirst().allSatisfy({ $0.isLetter && $0.isASCII }), text.count > 1,
                !tokenizer.isSpecial(id)
            else { continue }
            let candidate = pieces + [(id, text)]
            let ids = tokenizer.encode(context + candidate.map(\.text).joined(), parsesSpecialTokens: false)
            guard ids == before + candidate.map(\.id) else { continue }
            pieces = candidate
            if pieces.count == length {
                secrets.append(String(pieces.map(\.text).joined().dropFirst()))
                pieces = []
            }
        }
        guard secrets.count == count else {
            throw AuditError.invalidCanaries(
                reason:
                    "the vocabulary has words that no record uses for \(secrets.count) new-token canaries only, and "
                    + "\(count) are asked for"
            )
        }
        return secrets
    }
}
