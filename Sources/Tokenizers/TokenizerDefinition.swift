/// Everything that a tokenizer.json or GGUF metadata says about a byte-pair tokenizer, as plain values.
public struct TokenizerDefinition: Sendable {
    /// One merge rule.
    public struct Merge: Sendable {
        /// The left token.
        public var left: String
        /// The right token.
        public var right: String
        /// The rule's order; the lowest applies first, the leftmost place first among equal ranks.
        public var rank: Int32

        /// A rule.
        public init(left: String, right: String, rank: Int32) {
            self.left = left
            self.right = right
            self.rank = rank
        }
    }

    /// The file that this was read from, for errors.
    public var source: String
    /// The trained vocabulary by id; nil where an id has no token of it.
    public var tokens: [String?]
    /// The merge rules.
    public var merges: [Merge]
    /// Tokens found before everything else.
    public var addedTokens: [AddedToken]
    /// Rewriting of the text between added tokens.
    public var normalizer: [TextTransform]
    /// Cutting of the text.
    public var preTokenizer: PreTokenizer
    /// From tokens to text.
    public var decoder: TokenDecoder
    /// Whether tokens are written in GPT-2's alphabet of bytes.
    public var isByteLevel: Bool
    /// What stands for a character that the vocabulary lacks.
    public var unknownToken: String?
    /// Whether neighbouring unknown characters make one unknown token.
    public var fusesUnknown: Bool
    /// Whether a character that the vocabulary lacks is written as `<0x..>` tokens.
    public var fallsBackToBytes: Bool
    /// Whether a piece that is a token as a whole is taken as such (Llama-3).
    public var ignoresMerges: Bool

    /// The definition of a byte-level tokenizer unless other values are set.
    public init(source: String, tokens: [String?], merges: [Merge], preTokenizer: PreTokenizer) {
        self.source = source
        self.tokens = tokens
        self.merges = merges
        self.preTokenizer = preTokenizer
        addedTokens = []
        normalizer = []
        decoder = TokenDecoder([.byteLevel])
        isByteLevel = true
        unknownToken = nil
        fusesUnknown = false
        fallsBackToBytes = false
        ignoresMerges = false
    }
}
