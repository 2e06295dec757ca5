import Foundation

/// Text to token ids and back, exactly as the model's own tokenizer does it.
///
/// Immutable and safe to use from many threads at once.
public final class Tokenizer: Sendable {
    let definition: TokenizerDefinition
    let metadata: TokenizerMetadata
    let encoder: BytePairEncoder
    let rawMatcher: AddedTokenMatcher
    let normalizedMatcher: AddedTokenMatcher
    let caches = PieceCachePool()
    private let ids: [ExactString: Int32]
    private let tokens: [String?]
    private let specialIDs: Set<Int32>

    /// Builds the pipeline.
    ///
    /// - Throws: `TokenizerError.malformed` when the definition contradicts itself.
    public init(_ definition: TokenizerDefinition, metadata: TokenizerMetadata = TokenizerMetadata())
        throws(TokenizerError)
    {
        self.definition = definition
        self.metadata = metadata
        var tokens = definition.tokens
        var ids: [ExactString: Int32] = [:]
        ids.reserveCapacity(tokens.count + definition.addedTokens.count)
        for (id, token) in tokens.enumerated() {
            guard let token else { continue }
            // GGUF vocabularies may repeat a text (padding); the first is the one that text encodes to.
            let key = ExactString(token)
            if ids[key] == nil { ids[key] = Int32(id) }
        }
        encoder = try BytePairEncoder(definition, ids: ids)
        for token in definition.addedTokens {
            guard token.id >= 0, token.id < Self.largestPossibleID else {
                throw .malformed(
                    file: definition.source,
                    reason: "the added token \(token.content) has the id \(token.id)"
                )
            }
            while tokens.count <= Int(token.id) { tokens.append(nil) }
            // What stands in the text is the normalized form, so that is what decoding gives back (as Hugging Face does).
            tokens[Int(token.id)] = String(decoding: token.text(normalizedBy: definition.normalizer), as: UTF8.self)
            ids[ExactString(token.content)] = token.id
        }
        self.tokens = tokens
        self.ids = ids
        specialIDs = Set(definition.addedTokens.lazy.filter(\.isSpecial).map(\.id))
        let patterns = definition.addedTokens.map { (token: $0, text: $0.text(normalizedBy: definition.normalizer)) }
        rawMatcher = AddedTokenMatcher(patterns.filter { !$0.token.isNormalized })
        normalizedMatcher = AddedTokenMatcher(patterns.filter(\.token.isNormalized))
    }

    /// No vocabulary comes near this; a larger id in a file is damage, and would only cost memory.
    static let largestPossibleID: Int32 = 1 << 24

    // MARK: - Text to ids

    /// The ids of `text`; no begin or end token is added.
    ///
    /// - Parameter parsesSpecialTokens: whether `<|im_start|>` and the like become their special token. When false they
    ///   are ordinary text and no special id can come out, whatever the text. Added tokens that are not special are
    ///   parsed either way, as Hugging Face does with `encode_special_tokens`.
    public func encode(_ text: String, parsesSpecialTokens: Bool) -> [Int32] {
        EncodingPass(
            Array(text.utf8),
            specialTokens: parsesSpecialTokens ? .everywhere : .nowhere,
            tokenizer: self
        ).ids
    }

    // MARK: - Ids to text

    /// The text of `ids`; ids that are not in the vocabulary are left out, bytes that are not UTF-8 become U+FFFD.
    ///
    /// - Parameter skipsSpecialTokens: whether special tokens are left out.
    public func decode(_ ids: [Int32], skipsSpecialTokens: Bool = false) -> String {
        definition.decoder.decode(
            ids.compactMap { skipsSpecialTokens && specialIDs.contains($0) ? nil : token(of: $0) }
        )
    }

    // MARK: - The vocabulary

    /// The id of a token by its exact text in the vocabulary (for byte-level tokenizers, GPT-2's alphabet).
    public func id(of token: String) -> Int32? { ids[ExactString(token)] }

    /// The text of a token in the vocabulary.
    public func token(of id: Int32) -> String? {
        tokens.indices.contains(Int(id)) ? tokens[Int(id)] : nil
    }

    /// Whether `id` is a special token.
    public func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

    /// One more than the largest id: the fewest embedding rows that a model with this tokenizer can have.
    public var vocabularySize: Int { Int(largestID) + 1 }

    /// The largest id that has a token, -1 for an empty vocabulary.
    public var largestID: Int32 { Int32(tokens.lastIndex { $0 != nil } ?? -1) }

    /// Checks the tokenizer against a model.
    ///
    /// - Throws: `TokenizerError.doesNotFitModel` when some id has no embedding row.
    public func requireFit(embeddingRows: Int) throws(TokenizerError) {
        if largestID >= embeddingRows {
            throw .doesNotFitModel(file: definition.source, largestID: largestID, embeddingRows: embeddingRows)
        }
    }

    /// The token that begins a sequence, if the model has one.
    public var beginID: Int32? { metadata.beginID }

    /// The token that ends a sequence, if the model has one.
    public var endID: Int32? { metadata.endID }

    /// The token that fills up a batch, if the model has one.
    public var padID: Int32? { metadata.padID }

    /// The model's chat template as it stands in its files (Jinja), if it has one.
    public var chatTemplate: String? { metadata.chatTemplate }
}
