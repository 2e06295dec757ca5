import TensorEngine

/// Secrets of uniformly random letters.
enum RandomSecrets {
    /// Letters of a word.
    private static let letters = 5
    /// Words of a secret: 26³⁰ secrets, of which no two are ever the same.
    private static let words = 6

    /// The words of the prompt before a secret, different for every canary.
    static func prompt(using generator: inout SeededGenerator) -> String { words(2, using: &generator) }

    /// One secret.
    static func secret(using generator: inout SeededGenerator) -> String { words(words, using: &generator) }

    private static func words(_ count: Int, using generator: inout SeededGenerator) -> String {
        (0..<count).map { _ in
            String(
                (0..<letters).map { _ in
                    Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8.random(in: 0..<26, using: &generator)))
                }
            )
        }.joined(separator: " ")
    }
}
