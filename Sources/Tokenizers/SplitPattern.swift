/// A split pattern of a published tokenizer, recognised by its exact regular expression and scanned by hand.
public enum SplitPattern: Sendable, Equatable {
    /// GPT-2's pattern, which Hugging Face's `ByteLevel` also applies.
    case gpt2
    /// Qwen2's pattern: contractions in any case, digits one by one.
    case qwen2
    /// Llama-3's pattern: as Qwen2's, digits in groups of at most three.
    case llama3

    static let gpt2Expression = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    private static func cl100kExpression(digits: String) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + digits
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    /// The regular expression as it stands in a tokenizer.json.
    var expression: String {
        switch self {
        case .gpt2: Self.gpt2Expression
        case .qwen2: Self.cl100kExpression(digits: #"\p{N}"#)
        case .llama3: Self.cl100kExpression(digits: #"\p{N}{1,3}"#)
        }
    }

    /// The pattern whose regular expression this is, if it is one of ours.
    init?(expression: String) {
        let known: [SplitPattern] = [.gpt2, .qwen2, .llama3]
        guard let match = known.first(where: { $0.expression == expression }) else { return nil }
        self = match
    }

    /// The end of the match that starts at `start` (`start < end`); every scalar belongs to some match.
    func endOfMatch(in text: UTF8Reader, from start: Int, before end: Int) -> Int {
        switch self {
        case .gpt2: GPT2Scanner.endOfMatch(in: text, from: start, before: end)
        case .qwen2: Qwen2Scanner.endOfMatch(in: text, from: start, before: end, longestNumber: 1)
        case .llama3: Qwen2Scanner.endOfMatch(in: text, from: start, before: end, longestNumber: 3)
        }
    }
}
