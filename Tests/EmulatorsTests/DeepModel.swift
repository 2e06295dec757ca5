import Checkpoints
import LanguageModels
import TensorEngine

/// A random llama with enough blocks to choose among: hidden 16, vocabulary 40.
enum DeepModel {
    static let hidden = 16
    static let vocabulary = 40

    static func make(layers: Int = 8, seed: UInt64 = 4) throws -> LanguageModel {
        let json: JSONValue = [
            "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": .int(hidden),
            "intermediate_size": 24, "num_hidden_layers": .int(layers), "num_attention_heads": 4,
            "num_key_value_heads": 2, "vocab_size": .int(vocabulary), "max_position_embeddings": 32,
            "rms_norm_eps": 1e-5, "rope_theta": 5000.0, "tie_word_embeddings": true,
        ]
        return try LanguageModel.random(
            ModelConfiguration(json: json),
            deviation: 0.2,
            generator: SeededGenerator(seed: seed)
        )
    }

    /// The same with an attention sink: token 1, which `text` begins every sequence with, points along an axis of its own
    /// that no other token has, and the feed-forward of `block` answers that axis with a large state.
    static func withSink(at block: Int, layers: Int = 8) throws -> LanguageModel {
        let model = try make(layers: layers)
        model.tokenEmbedding.value.withUnsafeMutableBufferPointer { table in
            for token in 0..<vocabulary { table[token * hidden] = 0 }
            for column in 0..<hidden { table[hidden + column] = column == 0 ? 2 : 0 }
        }
        func change(_ name: String, _ body: (UnsafeMutableBufferPointer<Float>) -> Void) {
            model.parameter(named: "model.layers.\(block).mlp.\(name).weight")?.value
                .withUnsafeMutableBufferPointer(body)
        }
        for name in ["gate_proj", "up_proj"] {
            change(name) { weight in for column in 0..<hidden { weight[column] = column == 0 ? 2 : 0 } }
        }
        change("down_proj") { weight in
            for row in 0..<hidden { weight[row * (weight.count / hidden)] = row == 1 ? 20 : 0 }
        }
        return model
    }

    static func text(_ count: Int = 24, length: Int = 12, seed: UInt64 = 3) -> [[Int32]] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            [1] + (1..<length).map { _ in Int32.random(in: 2..<Int32(vocabulary), using: &generator) }
        }
    }
}
