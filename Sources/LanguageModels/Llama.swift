import TensorEngine

/// LLaMA (arXiv 2302.13971): RMSNorm, rotary positions, grouped-query attention, SwiGLU.
enum Llama: ArchitectureDefinition {
    static let className = "LlamaForCausalLM"
    static let basePrefix = "model."
    static let layerCountKey = "num_hidden_layers"

    static func blockPrefix(_ index: Int) -> String { "model.layers.\(index)." }

    static func isHarmless(_ name: String) -> Bool { name.hasSuffix("rotary_emb.inv_freq") }

    static func configuration(_ reader: ConfigurationReader) throws -> ModelConfiguration {
        try reader.require("hidden_act", oneOf: ["silu", "swish"], default: "silu")
        let hasAttentionBias = try reader.flag("attention_bias", default: false)
        let headCount = try reader.size("num_attention_heads")
        return try ModelConfiguration(
            reader: reader,
            hiddenSize: reader.size("hidden_size"),
            layerCount: reader.size("num_hidden_layers"),
            headCount: headCount,
            keyValueHeadCount: reader.size("num_key_value_heads", default: headCount),
            headSize: reader.optionalSize("head_dim"),
            feedForwardSize: reader.size("intermediate_size"),
            vocabularySize: reader.size("vocab_size"),
            maximumPositions: reader.size("max_position_embeddings", default: 2048),
            normEpsilon: reader.number("rms_norm_eps", default: 1e-6),
            ropeTheta: reader.ropeTheta(),
            tiesEmbeddings: reader.flag("tie_word_embeddings", default: false),
            hasQueryKeyValueBias: hasAttentionBias,
            hasAttentionOutputBias: hasAttentionBias,
            hasFeedForwardBias: reader.flag("mlp_bias", default: false)
        )
    }

    static func ends(_ configuration: ModelConfiguration, weights: any WeightProvider) throws -> ModelEnds {
        let table = [configuration.vocabularySize, configuration.hiddenSize]
        let embedding = try weights.parameter("model.embed_tokens.weight", shape: table)
        return ModelEnds(
            tokenEmbedding: embedding,
            positionEmbedding: nil,
            norm: try .rms("model.norm", configuration, weights: weights),
            head: configuration.tiesEmbeddings ? embedding : try weights.parameter("lm_head.weight", shape: table)
        )
    }

    static func block(
        _ index: Int,
        _ configuration: ModelConfiguration,
        weights: any WeightProvider
    ) throws -> any DecoderBlock {
        try LlamaBlock(index, prefix: blockPrefix(index), configuration, weights: weights)
    }
}

/// One layer: x += Wo attention(rope(Wq n), rope(Wk n), Wv n), n = norm(x); x += Wdown (silu(Wgate m) ∘ Wup m), m = norm(x).
/// Qwen2 is the same with biases on q, k, v.
final class LlamaBlock: DecoderBlock {
    let index: Int
    private let configuration: ModelConfiguration
    private let inputNorm: Normalization
    private let postAttentionNorm: Normalization
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    private let gate: Linear
    private let up: Linear
    private let down: Linear

    init(_ index: Int, prefix: String, _ configuration: ModelConfiguration, weights: any WeightProvider) throws {
        self.index = index
        self.configuration = configuration
        let hidden = configuration.hiddenSize
        let queries = configuration.headCount * configuration.headSize
        let keys = configuration.keyValueHeadCount * configuration.headSize
        let shape = configuration.shape(ofBlock: index)
        let wide = shape.feedForwardSize
        func linear(_ name: String, _ from: Int, _ to: Int, _ hasBias: Bool) throws -> Linear {
            try Linear(prefix + name, from: from, to: to, rank: shape.ranks[name], hasBias: hasBias, weights: weights)
        }
        query = try linear("self_attn.q_proj", hidden, queries, configuration.hasQueryKeyValueBias)
        key = try linear("self_attn.k_proj", hidden, keys, configuration.hasQueryKeyValueBias)
        value = try linear("self_attn.v_proj", hidden, keys, configuration.hasQueryKeyValueBias)
        output = try linear("self_attn.o_proj", queries, hidden, configuration.hasAttentionOutputBias)
        gate = try linear("mlp.gate_proj", hidden, wide, configuration.hasFeedForwardBias)
        up = try linear("mlp.up_proj", hidden, wide, configuration.hasFeedForwardBias)
        down = try linear("mlp.down_proj", wide, hidden, configuration.hasFeedForwardBias)
        inputNorm = try .rms(prefix + "input_layernorm", configuration, weights: weights)
        postAttentionNorm = try .rms(prefix + "post_attention_layernorm", configuration, weights: weights)
    }

    var attentionProjections: [Linear] { [query, key, value, output] }
    var feedForwardInputs: [Linear] { [gate, up] }
    var feedForwardOutput: Linear { down }

    var parameters: [Parameter] {
        linears.flatMap(\.parameters) + inputNorm.parameters + postAttentionNorm.parameters
    }

    func forward(_ x: Tensor, on tape: Tape, context: AttentionContext) -> Tensor {
        let theta = Float(configuration.ropeTheta)
        func rotated(_ x: Tensor, heads: Int) -> Tensor {
            tape.rotary(x, heads: heads, positions: context.positions, theta: theta)
        }
        let n = inputNorm(x, on: tape, precision: query.weight.precision)
        let mixed = context.attend(
            query: rotated(query(n, on: tape), heads: configuration.headCount),
            key: rotated(key(n, on: tape), heads: configuration.keyValueHeadCount),
            value: value(n, on: tape),
            block: index,
            configuration: configuration,
            precision: query.weight.precision,
            on: tape
        )
        let middle = tape.add(x, output(mixed, on: tape))
        let m = postAttentionNorm(middle, on: tape, precision: gate.weight.precision)
        let wide = tape.swiglu(gate: gate(m, on: tape), up: up(m, on: tape), precision: down.weight.precision)
        return tape.add(middle, down(wide, on: tape))
    }
}
