import AtomicFiles
import Checkpoints
import Foundation
import TensorEngine

/// A small Llama of random numbers with a tokenizer of single bytes: for trying a federation out where there is no model yet.
public enum PracticeModel {
    /// Numbers of a hidden state, unless another width is asked for; the inner layers have twice as many.
    public static let defaultWidth = 64
    private static let layers = 4
    private static let heads = 4
    private static let keyValueHeads = 2
    private static let specialTokens = ["<|endoftext|>"]

    /// Writes a Hugging Face directory; the same seed gives the same bytes.
    ///
    /// - Parameter width: of a hidden state, a multiple of 8.
    /// - Throws: `AtomicFileError`, `CheckpointError`.
    public static func write(to directory: String, seed: UInt64, width: Int = defaultWidth) throws {
        let inner = 2 * width
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch {
            throw AtomicFileError.system(
                operation: "create",
                path: directory,
                reason: (error as NSError).localizedDescription
            )
        }
        let vocabulary = specialTokens + byteCharacters
        try json(
            [
                "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": width,
                "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
                "num_key_value_heads": keyValueHeads, "head_dim": width / heads, "vocab_size": vocabulary.count,
                "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
                "tie_word_embeddings": true, "hidden_act": "silu", "attention_bias": false, "mlp_bias": false,
                "bos_token_id": 0, "eos_token_id": 0, "initializer_range": 0.02, "use_cache": true,
            ],
            to: directory + "/config.json"
        )
        try json(
            [
                "version": "1.0",
                "added_tokens": specialTokens.enumerated().map { index, token in
                    [
                        "id": index, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                        "normalized": false, "special": true,
                    ] as [String: Any]
                },
                "pre_tokenizer": [
                    "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
                ],
                "decoder": ["type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true],
                "model": [
                    "type": "BPE", "merges": [] as [String],
                    "vocab": Dictionary(uniqueKeysWithValues: vocabulary.enumerated().map { ($1, $0) }),
                ] as [String: Any],
            ],
            to: directory + "/tokenizer.json"
        )
        try json(
            ["eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>", "tokenizer_class": "GPT2Tokenizer"],
            to: directory + "/tokenizer_config.json"
        )
        var generator = SeededGenerator(seed: seed).derive("practice model")
        func tensor(_ name: String, _ shape: [Int], scale: Float?) -> SafetensorsWriter.Entry {
            let count = shape.reduce(1, *)
            let values = (0..<count).map { _ in scale.map { Float.random(in: -$0...$0, using: &generator) } ?? 1 }
            return SafetensorsWriter.Entry(name: name, shape: shape, values: values)
        }
        let keyValueWidth = width / heads * keyValueHeads
        var entries = [
            tensor("model.embed_tokens.weight", [vocabulary.count, width], scale: 0.3),
            tensor("model.norm.weight", [width], scale: nil),
        ]
        for layer in 0..<layers {
            let prefix = "model.layers.\(layer)."
            for (name, shape) in [
                ("self_attn.q_proj", [width, width]), ("self_attn.k_proj", [keyValueWidth, width]),
                ("self_attn.v_proj", [keyValueWidth, width]), ("self_attn.o_proj", [width, width]),
                ("mlp.gate_proj", [inner, width]), ("mlp.up_proj", [inner, width]), ("mlp.down_proj", [width, inner]),
            ] { entries.append(tensor("\(prefix)\(name).weight", shape, scale: 0.1)) }
            for name in ["input_layernorm", "post_attention_layernorm"] {
                entries.append(tensor("\(prefix)\(name).weight", [width], scale: nil))
            }
        }
        try SafetensorsWriter.write(entries, metadata: ["format": "pt"], to: directory + "/model.safetensors")
    }

    /// GPT-2's printable stand-ins for the 256 bytes: bytes that print are themselves, the others follow from U+0100 on.
    private static var byteCharacters: [String] {
        let printable = Set(Array(33...126) + Array(161...172) + Array(174...255))
        var next = 256
        return (0..<256).compactMap { byte in
            if printable.contains(byte) { return UnicodeScalar(byte).map { String(Character($0)) } }
            defer { next += 1 }
            return UnicodeScalar(next).map { String(Character($0)) }
        }
    }

    private static func json(_ object: [String: Any], to path: String) throws {
        try AtomicFile.write(
            JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys]),
            to: path
        )
    }
}
