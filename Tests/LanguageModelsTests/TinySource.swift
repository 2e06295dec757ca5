import Checkpoints
import LanguageModels
import TensorEngine

/// Tensors in memory, to be damaged on purpose.
final class MemorySource: TensorSource {
    let path = "memory"
    var tensors: [String: (shape: [Int], values: [Float])]

    init(_ model: LanguageModel) {
        tensors = Dictionary(
            uniqueKeysWithValues: model.parameters.map { ($0.name, ($0.value.shape, $0.value.values)) }
        )
    }

    var tensorNames: [String] { tensors.keys.sorted() }

    private func entry(_ name: String) throws -> (shape: [Int], values: [Float]) {
        guard let entry = tensors[name] else { throw CheckpointError.missingTensor(path: path, tensor: name) }
        return entry
    }

    func info(_ name: String) throws -> TensorInfo {
        let entry = try entry(name)
        return TensorInfo(shape: entry.shape, type: .f32, byteCount: 4 * entry.values.count)
    }

    func read(_ name: String, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        _ = buffer.update(fromContentsOf: try entry(name).values)
    }
}

/// Small configurations of every architecture, in Hugging Face's terms.
enum TinyConfiguration {
    static func llama(_ changes: [String: JSONValue] = [:]) -> JSONValue {
        changed(
            [
                "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 16,
                "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
                "vocab_size": 40, "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 5000.0,
                "tie_word_embeddings": true,
            ],
            changes
        )
    }

    static func qwen2(_ changes: [String: JSONValue] = [:]) -> JSONValue {
        llama(["model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]].merging(changes) { $1 })
    }

    static func gpt2(_ changes: [String: JSONValue] = [:]) -> JSONValue {
        changed(
            [
                "model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_embd": 16, "n_layer": 3, "n_head": 4,
                "n_positions": 32, "vocab_size": 40,
            ],
            changes
        )
    }

    static func opt(_ changes: [String: JSONValue] = [:]) -> JSONValue {
        changed(
            [
                "model_type": "opt", "architectures": ["OPTForCausalLM"], "hidden_size": 16, "ffn_dim": 24,
                "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 32, "vocab_size": 40,
                "word_embed_proj_dim": 16, "do_layer_norm_before": true, "activation_function": "relu",
            ],
            changes
        )
    }

    static var all: [JSONValue] { [llama(), qwen2(), gpt2(), opt()] }

    static func changed(_ json: JSONValue, _ changes: [String: JSONValue]) -> JSONValue {
        var json = json
        for (key, value) in changes { json[key] = value }
        return json
    }

    /// Weights wide enough that every part of the model matters.
    static func model(_ json: JSONValue, seed: UInt64 = 7) throws -> LanguageModel {
        try LanguageModel.random(
            ModelConfiguration(json: json),
            deviation: 0.3,
            generator: SeededGenerator(seed: seed)
        )
    }
}
