import Checkpoints

/// The figures of a `config.json` in one vocabulary, beside the file itself.
public struct ModelConfiguration: Sendable {
    /// The architecture, from `model_type`.
    public let architecture: Architecture
    /// Width of the residual stream.
    public let hiddenSize: Int
    /// Number of blocks.
    public let layerCount: Int
    /// Query heads.
    public let headCount: Int
    /// Key and value heads: a divisor of `headCount` (grouped-query attention).
    public let keyValueHeadCount: Int
    /// Width of one head.
    public let headSize: Int
    /// Width of the feed-forward layer.
    public let feedForwardSize: Int
    /// Rows of the token embedding.
    public let vocabularySize: Int
    /// Longest sequence, in tokens.
    public let maximumPositions: Int
    /// The ε of the norms.
    public let normEpsilon: Double
    /// Base of the rotary frequencies; 0 for learned positions.
    public let ropeTheta: Double
    /// Whether the head is the token embedding.
    public let tiesEmbeddings: Bool
    /// Whether q, k, v have biases.
    public let hasQueryKeyValueBias: Bool
    /// Whether the attention's output projection has a bias.
    public let hasAttentionOutputBias: Bool
    /// Whether the feed-forward layers have biases.
    public let hasFeedForwardBias: Bool
    /// The configuration as it was read.
    public let json: JSONValue
    /// Blocks that are thinner than the figures above say, by index; see ``shape(ofBlock:)``.
    public internal(set) var thinnedBlocks: [Int: BlockShape] = [:]

    /// Reads a Hugging Face configuration, of transformers 4 or 5.
    ///
    /// - Throws: `LanguageModelError` for an unknown architecture, a missing or senseless key, and every feature that
    ///   would change the result and is not implemented.
    public init(json: JSONValue) throws {
        let architecture = try Architecture(json: json)
        self = try architecture.definition.configuration(ConfigurationReader(json: json, architecture: architecture))
        // A count that the rest of the file cannot bear out would otherwise loop for hours before a tensor is missed.
        guard layerCount <= 4096 else {
            throw LanguageModelError.badValue(
                key: architecture.definition.layerCountKey,
                value: String(layerCount),
                expected: "at most 4096"
            )
        }
        guard headCount % keyValueHeadCount == 0 else {
            throw LanguageModelError.badValue(
                key: "num_key_value_heads",
                value: String(keyValueHeadCount),
                expected: "a divisor of \(headCount) heads"
            )
        }
    }

    init(
        reader: ConfigurationReader,
        hiddenSize: Int,
        layerCount: Int,
        headCount: Int,
        keyValueHeadCount: Int? = nil,
        headSize: Int? = nil,
        feedForwardSize: Int,
        vocabularySize: Int,
        maximumPositions: Int,
        normEpsilon: Double,
        ropeTheta: Double = 0,
        tiesEmbeddings: Bool,
        hasQueryKeyValueBias: Bool,
        hasAttentionOutputBias: Bool,
        hasFeedForwardBias: Bool
    ) throws {
        guard headSize != nil || hiddenSize % headCount == 0 else {
            throw LanguageModelError.badValue(
                key: "hidden_size",
                value: String(hiddenSize),
                expected: "a multiple of \(headCount) heads"
            )
        }
        architecture = reader.architecture
        self.hiddenSize = hiddenSize
        self.layerCount = layerCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount ?? headCount
        self.headSize = headSize ?? hiddenSize / headCount
        self.feedForwardSize = feedForwardSize
        self.vocabularySize = vocabularySize
        self.maximumPositions = maximumPositions
        self.normEpsilon = normEpsilon
        self.ropeTheta = ropeTheta
        self.tiesEmbeddings = tiesEmbeddings
        self.hasQueryKeyValueBias = hasQueryKeyValueBias
        self.hasAttentionOutputBias = hasAttentionOutputBias
        self.hasFeedForwardBias = hasFeedForwardBias
        json = reader.json
    }

    /// The configuration of the same model with `layerCount` blocks, as transformers 4 and 5 both read it.
    ///
    /// `rope_theta` is written at the top level and in `rope_parameters`: transformers 4 looks only at the first and
    /// would silently fall back to 10 000, transformers 5 prefers the second.
    public func json(layerCount: Int) -> JSONValue {
        var result = json
        // Where its owner loaded it from is nobody else's business.
        result["_name_or_path"] = nil
        result[architecture.definition.layerCountKey] = .int(layerCount)
        result["model_type"] = .string(architecture.rawValue)
        result["architectures"] = .array([.string(architecture.definition.className)])
        result["tie_word_embeddings"] = .bool(tiesEmbeddings)
        if let types = json["layer_types"]?.array {
            result["layer_types"] = .array((0..<layerCount).map { types[$0 % max(types.count, 1)] })
        }
        if ropeTheta > 0 {
            result["rope_theta"] = .double(ropeTheta)
            result["rope_scaling"] = .null
            result["rope_parameters"] = .object(["rope_theta": .double(ropeTheta), "rope_type": "default"])
        }
        return result
    }

    /// The same model with another number of blocks, all of the full shape.
    ///
    /// - Throws: `LanguageModelError.badValue` for a count below 1.
    public func resized(layerCount: Int) throws -> ModelConfiguration {
        try ModelConfiguration(json: json(layerCount: layerCount))
    }
}
