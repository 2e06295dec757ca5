import Checkpoints
import TensorEngine

/// Qwen2 (arXiv 2407.10671): LLaMA's block with biases on q, k and v; full attention only.
enum Qwen2: ArchitectureDefinition {
    static let className = "Qwen2ForCausalLM"
    static let basePrefix = Llama.basePrefix
    static let layerCountKey = Llama.layerCountKey

    static func blockPrefix(_ index: Int) -> String { Llama.blockPrefix(index) }

    static func isHarmless(_ name: String) -> Bool { Llama.isHarmless(name) }

    static func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration {
        try reader.require("hidden_act", oneOf: ["silu", "swish"], default: "silu")
        try reader.require("use_sliding_window", is: false, default: false)
        if let type = reader.json["layer_types"]?.array?.first(where: { $0.string != "full_attention" }) {
            throw reader.unsupported("the layer type \(type.canonicalText)")
        }
        let headCount = try reader.size("num_attention_heads")
        return try ModelConfiguration(
            reader: reader,
            hiddenSize: reader.size("hidden_size"),
            layerCount: reader.size("num_hidden_layers"),
            headCount: headCount,
            keyValueHeadCount: reader.size("num_key_value_heads", default: headCount),
            feedForwardSize: reader.size("intermediate_size"),
            vocabularySize: reader.size("vocab_size"),
            maximumPositions: reader.size("max_position_embeddings", default: 32768),
            normEpsilon: reader.number("rms_norm_eps", default: 1e-6),
            ropeTheta: reader.ropeTheta(),
            tiesEmbeddings: reader.flag("tie_word_embeddings", default: false),
            hasQueryKeyValueBias: true,
            hasAttentionOutputBias: false,
            hasFeedForwardBias: false
        )
    }

    static func ends(_ configuration: ModelConfiguration, weights: any WeightProvider) throws -> ModelEnds {
        try Llama.ends(configuration, weights: weights)
    }

    static func block(
        _ index: Int,
        _ configuration: ModelConfiguration,
        weights: any WeightProvider
    ) throws -> any DecoderBlock {
        try LlamaBlock(index, prefix: blockPrefix(index), configuration, weights: weights)
    }
}
