import TensorEngine

/// The part of a text that layers are compared on.
enum Calibration {
    /// Tokens for comparing hidden states: one forward pass.
    static let stateTokens = 8_192
    /// Sequences for comparing hidden states: CKA's Gram matrices are as wide.
    static let stateSequences = 256
    /// Tokens for measuring losses: hundreds of forward passes.
    static let lossTokens = 2_048
    /// Tokens of a sequence.
    static let length = 256

    /// Sequences spread evenly over a text, each cut to ``length``: as many as hold about `tokens` tokens, at least two
    /// where there are two.
    static func spread(over text: PublicText, tokens: Int, sequences limit: Int = .max) -> [[Int32]] {
        let all = text.sequences.map { Array($0.prefix(length)) }
        let size = all.reduce(0) { $0 + $1.count }
        guard size > 0 else { return [] }
        let fitting = tokens * all.count / size
        let count = min(all.count, limit, max(2, fitting))
        return (0..<count).map { all[$0 * all.count / count] }
    }

    /// Sequences of random tokens, to look for the attention sink where there is no text: what makes it depends on the
    /// position far more than on the token (arXiv 2309.17453, 2402.17762).
    static func randomTokens(vocabularySize: Int, maximumLength: Int) -> PublicText {
        var generator = SeededGenerator(seed: 0).derive("attention sink")
        let sequences = (0..<4).map { _ in
            (0..<min(64, maximumLength)).map { _ in Int32.random(in: 0..<Int32(vocabularySize), using: &generator) }
        }
        return PublicText(sequences: sequences, source: "random tokens")
    }

    /// Items in order, grouped so that no group but that of a single long one holds more than `rows` tokens.
    static func batches<Item>(_ items: [Item], rows: Int, length: (Item) -> Int) -> [[Item]] {
        var batches: [[Item]] = []
        var filled = 0
        for item in items {
            if batches.isEmpty || filled + length(item) > rows {
                batches.append([])
                filled = 0
            }
            batches[batches.count - 1].append(item)
            filled += length(item)
        }
        return batches
    }
}
