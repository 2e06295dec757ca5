/// A token that is found in the text before everything else: special tokens such as `<|im_start|>`, and the others that a
/// model adds to its trained vocabulary. The fields are those of `added_tokens` in a tokenizer.json.
public struct AddedToken: Sendable, Equatable {
    /// The token's id.
    public var id: Int32
    /// The exact text.
    public var content: String
    /// Whether the token is control and not text: parsed only on request, left out of decoded text on request.
    public var isSpecial: Bool
    /// Whether it is looked for in normalized text, after the others.
    public var isNormalized: Bool
    /// Whether it swallows the whitespace before it.
    public var stripsLeft: Bool
    /// Whether it swallows the whitespace after it.
    public var stripsRight: Bool
    /// Whether it counts only where no word character touches it.
    public var isSingleWord: Bool

    /// A token with the flags of a tokenizer.json, all off except as given.
    public init(
        id: Int32,
        content: String,
        isSpecial: Bool,
        isNormalized: Bool = false,
        stripsLeft: Bool = false,
        stripsRight: Bool = false,
        isSingleWord: Bool = false
    ) {
        self.id = id
        self.content = content
        self.isSpecial = isSpecial
        self.isNormalized = isNormalized
        self.stripsLeft = stripsLeft
        self.stripsRight = stripsRight
        self.isSingleWord = isSingleWord
    }

    /// The bytes that are looked for in text.
    func text(normalizedBy normalizer: [TextTransform]) -> [UInt8] {
        let bytes = Array(content.utf8)
        return isNormalized ? normalizer.apply(to: bytes, isAtStart: true) : bytes
    }
}
