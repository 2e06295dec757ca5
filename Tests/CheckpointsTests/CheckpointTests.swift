import Checkpoints
import Foundation
import Testing

@Suite struct CheckpointTests {
    let workspace: Workspace

    init() throws { workspace = try Workspace() }

    @Test(arguments: ["llama", "qwen2", "gpt2"])
    func translatesGGUFNamesAndLayouts(_ architecture: String) throws {
        let checkpoint = try Checkpoint.open(Fixture.checkpoints("\(architecture).gguf"))
        let expected = try SafetensorsFile(path: Fixture.checkpoints("\(architecture).safetensors"))
        #expect(checkpoint.tensors.tensorNames == expected.tensorNames)
        for name in expected.tensorNames {
            #expect(try checkpoint.tensors.info(name).shape == expected.info(name).shape, "\(name)")
            #expect(try checkpoint.tensors.values(name).bits == expected.values(name).bits, "\(name)")
        }
        var buffer = [Float](repeating: 0, count: 3)
        let first = try #require(expected.tensorNames.first)
        #expect(throws: CheckpointError.self) {
            try buffer.withUnsafeMutableBufferPointer { try checkpoint.tensors.read(first, into: $0) }
        }
        #expect(throws: CheckpointError.self) { try checkpoint.tensors.info("blk.0.attn_q.weight") }
    }

    @Test func synthesisesTheConfiguration() throws {
        let llama = try Checkpoint.open(Fixture.checkpoints("llama.gguf")).configuration
        #expect(llama["model_type"] == "llama")
        #expect(llama["architectures"] == ["LlamaForCausalLM"])
        #expect(llama["hidden_size"] == 16)
        #expect(llama["intermediate_size"] == 24)
        #expect(llama["num_hidden_layers"] == 2)
        #expect(llama["num_attention_heads"] == 2)
        #expect(llama["num_key_value_heads"] == 1)
        #expect(llama["head_dim"] == 8)
        #expect(llama["vocab_size"] == 20)
        #expect(llama["max_position_embeddings"] == 64)
        #expect(llama["rms_norm_eps"]?.double == 1e-6)
        #expect(llama["rope_theta"]?.double == 500_000)
        #expect(llama["rope_parameters"]?["rope_theta"]?.double == 500_000)
        #expect(llama["rope_parameters"]?["rope_type"] == "default")
        #expect(llama["tie_word_embeddings"] == true)
        #expect(llama["attention_bias"] == true)
        #expect(llama["mlp_bias"] == false)
        #expect(llama["bos_token_id"] == 1)
        #expect(llama["eos_token_id"] == 2)
        let qwen = try Checkpoint.open(Fixture.checkpoints("qwen2.gguf")).configuration
        #expect(qwen["model_type"] == "qwen2")
        #expect(qwen["tie_word_embeddings"] == false)
        let gpt = try Checkpoint.open(Fixture.checkpoints("gpt2.gguf")).configuration
        #expect(gpt["model_type"] == "gpt2")
        #expect(gpt["n_embd"] == 8)
        #expect(gpt["n_inner"]?.isNull == true)
        #expect(gpt["n_positions"] == 12)
        #expect(gpt["layer_norm_epsilon"]?.double == 1e-5)
        #expect(gpt["tie_word_embeddings"] == true)
    }

    private func llama(_ change: (inout GGUFBuilder) -> Void) throws -> String {
        var builder = GGUFBuilder()
        builder.add("llama.embedding_length", 8)
        builder.add("llama.block_count", 1)
        builder.add("llama.feed_forward_length", 8)
        builder.add("llama.attention.head_count", 2)
        builder.add("llama.context_length", 8)
        builder.add("llama.attention.layer_norm_rms_epsilon", float: 1e-5)
        builder.add(tensor: "token_embd.weight", type: 0, extents: [8, 3], data: Data(count: 96))
        change(&builder)
        return try workspace.write(builder.build(), "m.gguf")
    }

    @Test func refusesGGUFModelsThatItCannotExpress() throws {
        let good = try llama { $0.add("general.architecture", "llama") }
        #expect(try Checkpoint.open(good).configuration["num_key_value_heads"] == 2)
        let other = try llama { $0.add("general.architecture", "mamba") }
        #expect(throws: CheckpointError.unsupportedArchitecture(path: other, architecture: "mamba")) {
            try Checkpoint.open(other)
        }
        let wrong: [(String, (inout GGUFBuilder) -> Void)] = [
            ("expert_count", { $0.add("llama.expert_count", 8) }),
            ("rope.scaling.type", { $0.add("llama.rope.scaling.type", "yarn") }),
            ("rope.dimension_count", { $0.add("llama.rope.dimension_count", 2) }),
            ("rope.freq_base", { $0.add("llama.rope.freq_base", float: .nan) }),
            ("attention.head_count_kv", { $0.add("llama.attention.head_count_kv", 0) }),
            ("rope_freqs.weight", { $0.add(tensor: "rope_freqs.weight", type: 0, extents: [2], data: Data(count: 8)) }),
            (
                "blk.0.attn_qkv.weight",
                { $0.add(tensor: "blk.0.attn_qkv.weight", type: 0, extents: [2], data: Data(count: 8)) }
            ),
            (
                "blk.00.attn_v.weight",
                { $0.add(tensor: "blk.00.attn_v.weight", type: 0, extents: [2], data: Data(count: 8)) }
            ),
            (
                "blk.0.attn_q.weight",
                { $0.add(tensor: "blk.0.attn_q.weight", type: 0, extents: [8, 3], data: Data(count: 96)) }
            ),
        ]
        for (key, change) in wrong {
            let path = try llama {
                $0.add("general.architecture", "llama")
                change(&$0)
            }
            let error = #expect(throws: CheckpointError.self) { try Checkpoint.open(path) }
            #expect(error?.description.contains(key) == true, "\(String(describing: error))")
        }
        let unnamed = try llama { _ in }
        #expect(throws: CheckpointError.self) { try Checkpoint.open(unnamed) }
        let listed = try llama {
            $0.add("general.architecture", "llama")
            let words = Data(["a", "b", "c", "d"].flatMap { GGUFBuilder.text($0) })
            $0.add("tokenizer.ggml.tokens", type: 9, .joined(.bytes(UInt32(8)), .bytes(UInt64(4)), words))
        }
        #expect(throws: CheckpointError.self) { try Checkpoint.open(listed) }
    }

    @Test(arguments: ["llama", "qwen2", "gpt2", "opt"])
    func opensTheGoldenModels(_ architecture: String) throws {
        let directory = "\(Fixture.golden)/tiny/\(architecture)/model"
        let checkpoint = try Checkpoint.open(directory)
        #expect(checkpoint.configuration["model_type"]?.string == architecture)
        #expect(checkpoint.tensors.tensorNames.count > 30)
        for name in checkpoint.tensors.tensorNames {
            #expect(try checkpoint.tensors.values(name).allSatisfy(\.isFinite), "\(name)")
        }
        let batches = try SafetensorsFile(path: "\(Fixture.golden)/tiny/\(architecture)/batches.safetensors")
        let ids = try batches.integers("input_ids.0")
        #expect(ids.count == (try batches.info("input_ids.0")).elementCount)
        #expect(ids.allSatisfy { (0..<256).contains($0) })
        if architecture == "llama" { #expect(checkpoint.configuration["rope_theta"]?.double == 10000) }
    }

    @Test func readsRotarySettingsOfBothTransformersVersions() throws {
        let old = try JSONValue.read("\(Fixture.golden)/tiny/llama/config_v4_style.json")
        try workspace.write(old.canonicalText, "config.json")
        try SafetensorsWriter.write(
            [.init(name: "w", shape: [1], values: [1])],
            to: workspace.file("model.safetensors")
        )
        let configuration = try Checkpoint.open(workspace.path).configuration
        #expect(configuration["rope_parameters"]?["rope_theta"]?.double == 10000)
        #expect(configuration["rope_parameters"]?["rope_type"] == "default")
    }

    private func sharded(map: [String: JSONValue]) throws {
        try workspace.write(#"{"model_type":"llama"}"#, "config.json")
        try SafetensorsWriter.write(
            [.init(name: "a", shape: [2], values: [1, 2])],
            to: workspace.file("1.safetensors")
        )
        try SafetensorsWriter.write([.init(name: "b", shape: [1], values: [3])], to: workspace.file("2.safetensors"))
        let index: JSONValue = ["metadata": ["total_size": 12], "weight_map": .object(map)]
        try workspace.write(index.prettyText, "model.safetensors.index.json")
    }

    @Test func readsShards() throws {
        try sharded(map: ["a": "1.safetensors", "b": "2.safetensors"])
        let tensors = try Checkpoint.open(workspace.path).tensors
        #expect(tensors.tensorNames == ["a", "b"])
        #expect(try tensors.values("a") == [1, 2])
        #expect(try tensors.values("b") == [3])
    }

    @Test func namesMissingShardsAndTensors() throws {
        let index = workspace.file("model.safetensors.index.json")
        try sharded(map: ["a": "1.safetensors", "b": "3.safetensors"])
        #expect(throws: CheckpointError.missingShard(path: index, shard: "3.safetensors")) {
            try Checkpoint.open(workspace.path)
        }
        try sharded(map: ["a": "1.safetensors", "b": "1.safetensors"])
        #expect(throws: CheckpointError.missingTensor(path: workspace.file("1.safetensors"), tensor: "b")) {
            try Checkpoint.open(workspace.path)
        }
        for bad: [String: JSONValue] in [[:], ["a": 1], ["a": "../1.safetensors"], ["a": ".."], ["a": ""]] {
            try sharded(map: bad)
            #expect(throws: CheckpointError.self) { try Checkpoint.open(workspace.path) }
        }
    }

    @Test func saysWhatADirectoryLacks() throws {
        func message() -> String {
            do {
                _ = try Checkpoint.open(workspace.path)
                return ""
            } catch { return "\(error)" }
        }
        #expect(message().contains("no config.json"))
        try workspace.write("x", "m.gguf")
        #expect(message().contains("give \(workspace.path)/m.gguf"))
        try workspace.write("{}", "config.json")
        #expect(message().contains("add the weights"))
        try workspace.write("x", "pytorch_model.bin")
        #expect(message().contains("convert it to safetensors"))
        try workspace.write("[]", "config.json")
        #expect(message().contains("holds no object"))
        try workspace.write("{", "config.json")
        #expect(message().contains("config.json is not valid JSON at byte 1"))
        #expect(throws: CheckpointError.self) { try Checkpoint.open(workspace.file("absent")) }
        #expect(throws: CheckpointError.self) { try Checkpoint.open(workspace.file("m.gguf")) }
    }

    @Test func bringsOldHubNamesToTodays() throws {
        try workspace.write(#"{"model_type":"gpt2"}"#, "config.json")
        let stored = ["wte.weight", "h.0.attn.bias", "h.0.attn.masked_bias", "h.0.attn.c_attn.bias", "ln_f.weight"]
        try SafetensorsWriter.write(
            stored.enumerated().map { .init(name: $1, shape: [1], values: [Float($0)]) },
            to: workspace.file("model.safetensors")
        )
        let tensors = try Checkpoint.open(workspace.path).tensors
        #expect(
            tensors.tensorNames == [
                "transformer.h.0.attn.c_attn.bias", "transformer.ln_f.weight", "transformer.wte.weight",
            ]
        )
        #expect(try tensors.values("transformer.ln_f.weight") == [4])
    }

    /// Values: `gguf.quants.dequantize` of the Python package gguf 0.19.0, q and k rows un-permuted with NumPy.
    @Test(.enabled(if: Fixture.realModel != nil, "FSOT_MODEL does not name the SmolLM2 GGUF"))
    func readsTheRealModel() throws {
        let checkpoint = try Checkpoint.open(try #require(Fixture.realModel))
        #expect(checkpoint.tensors.tensorNames.count == 272)
        #expect(checkpoint.configuration["rms_norm_eps"]?.double == 1e-5)
        #expect(checkpoint.configuration["rope_theta"]?.double == 100_000)
        #expect(checkpoint.configuration["vocab_size"] == 49152)
        #expect(checkpoint.configuration["tie_word_embeddings"] == true)
        let expected: [(String, [Int], [Int: Float], Double)] = [
            (
                "model.embed_tokens.weight", [49152, 576],
                [
                    0: -0.10654449462890625, 1: 0.032978057861328125, 9_437_184: 0.07106781005859375,
                    28_311_551: -0.0417022705078125,
                ], -15353.04449415207
            ),
            (
                "model.layers.7.self_attn.q_proj.weight", [576, 576],
                [0: -0.032501220703125, 1: -0.0943603515625, 110_592: 0.0272216796875, 331_775: -0.0178985595703125],
                -26.595428466796875
            ),
            (
                "model.layers.7.self_attn.k_proj.weight", [192, 576],
                [0: -0.002532958984375, 1: 0.321746826171875, 36_864: 0.0286865234375, 110_591: -0.0545654296875],
                -47.49678039550781
            ),
            (
                "model.layers.29.mlp.down_proj.weight", [576, 1536],
                [0: -0.2733154296875, 1: 0.186279296875, 294_912: 0.230712890625, 884_735: 0.056640625],
                49.83570861816406
            ),
            ("model.norm.weight", [576], [0: 1.7578125, 1: 1.8203125, 192: 1.71875, 575: 1.984375], 1038.33203125),
        ]
        for (name, shape, values, sum) in expected {
            #expect(try checkpoint.tensors.info(name).shape == shape)
            let found = try checkpoint.tensors.values(name)
            for (index, value) in values { #expect(found[index] == value, "\(name) at \(index)") }
            #expect(abs(found.reduce(0.0) { $0 + Double($1) } - sum) < 1e-6, "\(name)")
        }
    }
}
