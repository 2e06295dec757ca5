import TensorEngine

/// OPT (arXiv 2205.01068): learned positions that start at row 2 of their table, LayerNorm before each part, ReLU.
///
/// The 350m model, which normalises after each part and projects its embeddings, is refused by name.
enum OPT: ArchitectureDefinition {
    static let className = "OPTForCausalLM"
    static let basePrefix = "model."
    static let layerCountKey = "num_hidden_layers"
    static let positionOffset = 2

    static func blockPrefix(_ index: Int) -> String { "model.decoder.layers.\(index)." }

    static func isHarmless(_ name: String) -> Bool { false }

    static func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration {
        try reader.require("activation_function", oneOf: ["relu"], default: "relu")
        try reader.require("do_layer_norm_before", is: true, default: true)
        try reader.require("_remove_final_layer_norm", is: false, default: false)
        try reader.require("layer_norm_elementwise_affine", is: true, default: true)
        try reader.require("enable_bias", is: true, default: true)
        let hidden = try reader.size("hidden_size")
        let embedding = try reader.size("word_embed_proj_dim", default: hidden)
        guard embedding == hidden else {
            throw reader.unsupported("word_embed_proj_dim \(embedding) beside hidden_size \(hidden)")
        }
        return try ModelConfiguration(
            reader: reader,
            hiddenSize: hidden,
            layerCount: reader.size("num_hidden_layers"),
            headCount: reader.size("num_attention_heads"),
            feedForwardSize: reader.size("ffn_dim"),
            vocabularySize: reader.size("vocab_size"),
            maximumPositions: reader.size("max_position_embeddings", default: 2048),
            normEpsilon: 1e-5,
            tiesEmbeddings: reader.flag("tie_word_embeddings", default: true),
            hasQueryKeyValueBias: true,
            hasAttentionOutputBias: true,
            hasFeedForwardBias: true
        )
    }

    static func ends(_ configuration: ModelConfiguration, weights: any WeightProvider) throws -> ModelEnds {
        let hidden = configuration.hiddenSize
        let table = [configuration.vocabularySize, hidden]
        let embedding = try weights.parameter("model.decoder.embed_tokens.weight", shape: table)
        let positions = try weights.parameter(
            "model.decoder.embed_positions.weight",
            shape: [configuration.maximumPositions + positionOffset, hidden]
        )
        let norm = try Normalization.layer("model.decoder.final_layer_norm", configuration, weights: weights)
        return ModelEnds(
            tokenEmbedding: embedding,
            positionEmbedding: PositionEmbedding(table: positions, offset: Int32(positionOffset)),
            norm: norm,
            head: configuration.tiesEmbeddings ? embedding : try weights.parameter("lm_head.weight", shape: table)
        )
    }

    static func block(
        _ index: Int,
        _ configuration: ModelConfiguration,
        weights: any WeightProvider
    ) throws -> any DecoderBlock {
        try OPTBlock(index, configuration, weights: weights)
    }
}

/// One layer: x += out_proj(attention(q, k, v of self_attn_layer_norm x)); x += fc2(relu(fc1(final_layer_norm x))).
final class OPTBlock: DecoderBlock {
    let index: Int
    private let configuration: ModelConfiguration
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    private let attentionNorm: Normalization
    private let up: Linear
    private let down: Linear
    private let feedForwardNorm: Normalization

    init(_ index: Int, _ configuration: ModelConfiguration, weights: any WeightProvider) throws {
        self.index = index
        self.configuration = configuration
        let prefix = OPT.blockPrefix(index)
        let hidden = configuration.hiddenSize
        let shape = configuration.shape(ofBlock: index)
        func linear(_ name: String, _ from: Int, _ to: Int) throws -> Linear {
            try Linear(prefix + name, from: from, to: to, rank: shape.ranks[name], hasBias: true, weights: weights)
        }
        key = try linear("self_attn.k_proj", hidden, hidden)
        value = try linear("self_attn.v_proj", hidden, hidden)
        query = try linear("self_attn.q_proj", hidden, hidden)
        output = try linear("self_attn.out_proj", hidden, hidden)
        attentionNorm = try .layer(prefix + "self_attn_layer_norm", configuration, weights: weights)
        up = try linear("fc1", hidden, shape.feedForwardSize)
        down = try linear("fc2", shape.feedForwardSize, hidden)
        feedForwardNorm = try .layer(prefix + "final_layer_norm", configuration, weights: weights)
    }

    var attentionProjections: [Linear] { [key, value, query, output] }
    var feedForwardInputs: [Linear] { [up] }
    var feedForwardOutput: Linear { down }

    var parameters: [Parameter] {
        key.parameters + value.parameters + query.parameters + output.parameters + attentionNorm.parameters
            + up.parameters + down.parameters + feedForwardNorm.parameters
    }

    func forward(_ x: Tensor, on tape: Tape, context: AttentionContext) -> Tensor {
        let n = attentionNorm(x, on: tape)
        let mixed = context.attend(
            query: query(n, on: tape),
            key: key(n, on: tape),
            value: value(n, on: tape),
            block: index,
            configuration: configuration,
            precision: query.weight.precision,
            on: tape
        )
        let middle = tape.add(x, output(mixed, on: tape))
        return tape.add(middle, down(tape.relu(up(feedForwardNorm(middle, on: tape), on: tape)), on: tape))
    }
}
