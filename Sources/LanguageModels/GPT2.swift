import TensorEngine

/// GPT-2 (Radford et al., 2019): learned positions, LayerNorm before each part, fused q, k, v, weights as `[in, out]`.
enum GPT2: ArchitectureDefinition {
    static let className = "GPT2LMHeadModel"
    static let basePrefix = "transformer."
    static let layerCountKey = "n_layer"

    static func blockPrefix(_ index: Int) -> String { "transformer.h.\(index)." }

    /// The causal masks that transformers 4 saved as buffers.
    static func isHarmless(_ name: String) -> Bool {
        name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias")
    }

    static func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration {
        try reader.require("activation_function", oneOf: ["gelu_new", "gelu_pytorch_tanh"], default: "gelu_new")
        try reader.require("scale_attn_weights", is: true, default: true)
        try reader.require("scale_attn_by_inverse_layer_idx", is: false, default: false)
        try reader.require("add_cross_attention", is: false, default: false)
        let hidden = try reader.size("n_embd", default: 768)
        return try ModelConfiguration(
            reader: reader,
            hiddenSize: hidden,
            layerCount: reader.size("n_layer", default: 12),
            headCount: reader.size("n_head", default: 12),
            feedForwardSize: reader.size("n_inner", default: 4 * hidden),
            vocabularySize: reader.size("vocab_size", default: 50257),
            maximumPositions: reader.size("n_positions", default: 1024),
            normEpsilon: reader.number("layer_norm_epsilon", default: 1e-5),
            tiesEmbeddings: reader.flag("tie_word_embeddings", default: true),
            hasQueryKeyValueBias: true,
            hasAttentionOutputBias: true,
            hasFeedForwardBias: true
        )
    }

    static func ends(_ configuration: ModelConfiguration, weights: any WeightProvider) throws -> ModelEnds {
        let hidden = configuration.hiddenSize
        let embedding = try weights.parameter(
            "transformer.wte.weight",
            shape: [configuration.vocabularySize, hidden]
        )
        let positions = try weights.parameter(
            "transformer.wpe.weight",
            shape: [configuration.maximumPositions, hidden]
        )
        let norm = try Normalization.layer("transformer.ln_f", configuration, weights: weights)
        return ModelEnds(
            tokenEmbedding: embedding,
            positionEmbedding: PositionEmbedding(table: positions, offset: 0),
            norm: norm,
            head: configuration.tiesEmbeddings
                ? embedding
                : try weights.parameter("lm_head.weight", shape: [configuration.vocabularySize, hidden])
        )
    }

    static func block(
        _ index: Int,
        _ configuration: ModelConfiguration,
        weights: any WeightProvider
    ) throws -> any DecoderBlock {
        try GPT2Block(index, configuration, weights: weights)
    }
}

/// One layer: x += c_proj(attention(c_attn(ln_1 x))); x += c_proj(gelu(c_fc(ln_2 x))).
final class GPT2Block: DecoderBlock {
    let index: Int
    private let configuration: ModelConfiguration
    private let attentionNorm: Normalization
    private let attention: Linear
    private let attentionOutput: Linear
    private let feedForwardNorm: Normalization
    private let up: Linear
    private let down: Linear

    init(_ index: Int, _ configuration: ModelConfiguration, weights: any WeightProvider) throws {
        self.index = index
        self.configuration = configuration
        let prefix = GPT2.blockPrefix(index)
        let hidden = configuration.hiddenSize
        let shape = configuration.shape(ofBlock: index)
        let wide = shape.feedForwardSize
        func linear(_ name: String, _ from: Int, _ to: Int) throws -> Linear {
            try Linear(
                prefix + name,
                from: from,
                to: to,
                rank: shape.ranks[name],
                hasBias: true,
                layout: .inputByOutput,
                weights: weights
            )
        }
        attentionNorm = try .layer(prefix + "ln_1", configuration, weights: weights)
        attention = try linear("attn.c_attn", hidden, 3 * hidden)
        attentionOutput = try linear("attn.c_proj", hidden, hidden)
        feedForwardNorm = try .layer(prefix + "ln_2", configuration, weights: weights)
        up = try linear("mlp.c_fc", hidden, wide)
        down = try linear("mlp.c_proj", wide, hidden)
    }

    var attentionProjections: [Linear] { [attention, attentionOutput] }
    var feedForwardInputs: [Linear] { [up] }
    var feedForwardOutput: Linear { down }

    var parameters: [Parameter] {
        attentionNorm.parameters + attention.parameters + attentionOutput.parameters
            + feedForwardNorm.parameters + up.parameters + down.parameters
    }

    func forward(_ x: Tensor, on tape: Tape, context: AttentionContext) -> Tensor {
        let hidden = configuration.hiddenSize
        let fused = attention(attentionNorm(x, on: tape), on: tape)
        let mixed = context.attend(
            query: tape.columns(fused, 0..<hidden),
            key: tape.columns(fused, hidden..<2 * hidden),
            value: tape.columns(fused, 2 * hidden..<3 * hidden),
            block: index,
            configuration: configuration,
            precision: attention.weight.precision,
            on: tape
        )
        let middle = tape.add(x, attentionOutput(mixed, on: tape))
        return tape.add(middle, down(tape.gelu(up(feedForwardNorm(middle, on: tape), on: tape)), on: tape))
    }
}
