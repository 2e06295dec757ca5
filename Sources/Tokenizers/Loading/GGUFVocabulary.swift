/// The tokenizer's part of GGUF metadata (`tokenizer.ggml.*`), as plain values.
public struct GGUFVocabulary: Sendable {
    /// The meaning of `tokenizer.ggml.token_type`.
    public enum TokenType: Int, Sendable {
        /// A token of ordinary text.
        case normal = 1
        /// Stands for what the vocabulary lacks.
        case unknown = 2
        /// A special token.
        case control = 3
        /// An added token that is text.
        case userDefined = 4
        /// A token that training left over.
        case unused = 5
        /// One byte, `<0x0A>`.
        case byte = 6
    }

    /// The file, for errors.
    public var source: String
    /// `tokenizer.ggml.model`: `gpt2` (byte-level BPE) or `llama` (SentencePiece BPE).
    public var model: String
    /// `tokenizer.ggml.pre`: the pre-tokenizer's name.
    public var preTokenizer: String?
    /// The tokens by id.
    public var tokens: [String]
    /// The scores by id; needed by `llama`.
    public var scores: [Float]
    /// The types by id; empty when the file has none.
    public var types: [Int]
    /// The merges, “left right”; needed by `gpt2`.
    public var merges: [String]
    /// Whether `llama` puts a space in front of a text.
    public var addsSpacePrefix: Bool
    /// The token for what the vocabulary lacks.
    public var unknownID: Int32?

    /// A vocabulary.
    public init(
        source: String,
        model: String,
        preTokenizer: String?,
        tokens: [String],
        scores: [Float] = [],
        types: [Int] = [],
        merges: [String] = [],
        addsSpacePrefix: Bool = true,
        unknownID: Int32? = nil
    ) {
        self.source = source
        self.model = model
        self.preTokenizer = preTokenizer
        self.tokens = tokens
        self.scores = scores
        self.types = types
        self.merges = merges
        self.addsSpacePrefix = addsSpacePrefix
        self.unknownID = unknownID
    }

    /// The pipeline that llama.cpp runs for this vocabulary.
    ///
    /// - Throws: `TokenizerError.unsupported` for another model or pre-tokenizer, `TokenizerError.malformed`.
    public func definition() throws(TokenizerError) -> TokenizerDefinition {
        if !types.isEmpty && types.count != tokens.count {
            throw malformed("it has \(tokens.count) tokens and \(types.count) token types")
        }
        var definition: TokenizerDefinition
        switch model {
        case "gpt2": definition = try byteLevel()
        case "llama": definition = try sentencePiece()
        default: throw .unsupported(file: source, stage: "tokenizer model", name: model)
        }
        definition.addedTokens = try addedTokens()
        return definition
    }

    func type(of id: Int) throws(TokenizerError) -> TokenType {
        if types.isEmpty { return .normal }
        guard let type = TokenType(rawValue: types[id]) else {
            throw malformed("token \(id) has the unknown type \(types[id])")
        }
        return type
    }

    func malformed(_ reason: String) -> TokenizerError { .malformed(file: source, reason: reason) }

    private func addedTokens() throws(TokenizerError) -> [AddedToken] {
        var added: [AddedToken] = []
        for (id, token) in tokens.enumerated() where !token.isEmpty {
            switch try type(of: id) {
            case .control: added.append(AddedToken(id: Int32(id), content: token, isSpecial: true))
            case .userDefined: added.append(AddedToken(id: Int32(id), content: token, isSpecial: false))
            // SentencePiece never finds its unknown token in text; Hugging Face's conversion makes it special.
            case .unknown: added.append(AddedToken(id: Int32(id), content: token, isSpecial: true))
            case .normal, .unused, .byte: break
            }
        }
        return added
    }

    // MARK: - gpt2

    private func byteLevel() throws(TokenizerError) -> TokenizerDefinition {
        var rules: [TokenizerDefinition.Merge] = []
        rules.reserveCapacity(merges.count)
        for (rank, line) in merges.enumerated() {
            guard let merge = TokenizerDefinition.Merge(line: line, rank: Int32(rank)) else {
                throw malformed("merge number \(rank) is not a pair of tokens")
            }
            rules.append(merge)
        }
        if rules.isEmpty { throw malformed("tokenizer.ggml.merges is missing") }
        let (preTokenizer, normalizer) = try namedPreTokenizer()
        var definition = TokenizerDefinition(
            source: source,
            tokens: tokens,
            merges: rules,
            preTokenizer: preTokenizer
        )
        definition.normalizer = normalizer
        definition.ignoresMerges = preTokenizer.splits == [.pattern(.llama3)]
        return definition
    }

    private func namedPreTokenizer() throws(TokenizerError) -> (PreTokenizer, [TextTransform]) {
        switch preTokenizer {
        case "gpt-2", "gpt2", "phi-2", "mpt", "olmo", "jais", "jina-es", "jina-de":
            return (PreTokenizer(splits: [.pattern(.gpt2)]), [])
        case "smollm", "starcoder", "refact", "codeshell":
            return (PreTokenizer(splits: [.digits(individually: true), .pattern(.gpt2)]), [])
        case "qwen2", "deepseek-r1-qwen":
            return (PreTokenizer(splits: [.pattern(.qwen2)]), [.canonicalComposition])
        case "llama-bpe", "llama3", "llama-v3":
            return (PreTokenizer(splits: [.pattern(.llama3)]), [])
        case .some(let name):
            throw .unsupported(file: source, stage: "pre-tokenizer (tokenizer.ggml.pre)", name: name)
        case nil:
            throw malformed("tokenizer.ggml.pre is missing, as in files of before May 2024")
        }
    }

    // MARK: - llama

    /// SentencePiece joins the two neighbours whose joint text has the highest score. Written as merge rules, that is
    /// every way to cut a token into two tokens, ranked by the token's score, equal scores with equal rank.
    private func sentencePiece() throws(TokenizerError) -> TokenizerDefinition {
        guard scores.count == tokens.count else {
            throw malformed("it has \(tokens.count) tokens and \(scores.count) scores")
        }
        var mergeable: Set<ExactString> = []
        var candidates: [Int] = []
        for (id, token) in tokens.enumerated() {
            if scores[id].isNaN { throw malformed("the score of token \(id) is not a number") }
            switch try type(of: id) {
            case .normal, .unused: candidates.append(id)
            case .unknown, .control, .userDefined, .byte: continue
            }
            mergeable.insert(ExactString(token))
        }
        candidates.sort { scores[$0] != scores[$1] ? scores[$0] > scores[$1] : $0 < $1 }
        var merges: [TokenizerDefinition.Merge] = []
        var rank: Int32 = -1
        var previous = Float.infinity
        for id in candidates {
            if rank < 0 || scores[id] != previous { rank += 1 }
            previous = scores[id]
            let scalars = tokens[id].unicodeScalars
            var cut = scalars.startIndex
            while cut < scalars.endIndex {
                cut = scalars.index(after: cut)
                let left = String(scalars[..<cut])
                let right = String(scalars[cut...])
                if mergeable.contains(ExactString(left)), mergeable.contains(ExactString(right)) {
                    merges.append(TokenizerDefinition.Merge(left: left, right: right, rank: rank))
                }
            }
        }
        var definition = TokenizerDefinition(
            source: source,
            tokens: tokens,
            merges: merges,
            preTokenizer: PreTokenizer(splits: [])
        )
        definition.isByteLevel = false
        definition.fallsBackToBytes = true
        definition.fusesUnknown = true
        definition.unknownToken = unknownID.flatMap { tokens.indices.contains(Int($0)) ? tokens[Int($0)] : nil }
        definition.normalizer = (addsSpacePrefix ? [.prepend("▁")] : []) + [.replace(" ", with: "▁")]
        definition.decoder = TokenDecoder(
            [.replace("▁", with: " "), .byteFallback, .fuse]
                + (addsSpacePrefix ? [.strip(" ", start: 1, stop: 0)] : [])
        )
        return definition
    }
}
