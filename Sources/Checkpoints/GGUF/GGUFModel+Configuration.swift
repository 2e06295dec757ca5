extension GGUFModel {
    /// What the model's `config.json` would say.
    ///
    /// - Throws: `CheckpointError.badMetadata` for a missing or contradictory entry and for what transformers' Llama,
    ///   Qwen2 and GPT-2 cannot express or this project does not compute (scaled rotary positions, experts).
    func configuration() throws(CheckpointError) -> JSONValue {
        if let experts = entry("expert_count")?.int, experts > 0 {
            throw failure("expert_count", "is \(experts), and mixtures of experts are not supported; use a dense model")
        }
        var result: JSONValue = architecture == .gpt2 ? try gpt2() : try decoder()
        result["vocab_size"] = .int(try vocabularySize())
        result["tie_word_embeddings"] = .bool(isTied)
        result["dtype"] = "float32"
        result["use_cache"] = true
        for (key, source) in [("bos_token_id", "bos"), ("eos_token_id", "eos"), ("pad_token_id", "padding")] {
            if let id = file.metadata["tokenizer.ggml.\(source)_token_id"]?.int { result[key] = .int(id) }
        }
        return result
    }

    private func decoder() throws(CheckpointError) -> JSONValue {
        let hidden = try size("embedding_length")
        let heads = try size("attention.head_count")
        guard hidden % heads == 0 || entry("attention.key_length") != nil else {
            throw failure("attention.head_count", "is \(heads), which does not divide \(hidden)")
        }
        let headSize = try size("attention.key_length", default: hidden / heads)
        guard try size("attention.value_length", default: headSize) == headSize else {
            throw failure("attention.value_length", "differs from attention.key_length, which is not supported")
        }
        guard try size("rope.dimension_count", default: headSize) == headSize else {
            throw failure("rope.dimension_count", "is not the head size \(headSize); partial rotation is not supported")
        }
        try refuseScaledRotation()
        let isLlama = architecture == .llama
        let theta = try number("rope.freq_base", default: 10000)
        var result: JSONValue = [
            "architectures": [isLlama ? "LlamaForCausalLM" : "Qwen2ForCausalLM"],
            "model_type": .string(architecture.rawValue),
            "hidden_size": .int(hidden),
            "intermediate_size": .int(try size("feed_forward_length")),
            "num_hidden_layers": .int(try size("block_count")),
            "num_attention_heads": .int(heads),
            "num_key_value_heads": .int(try size("attention.head_count_kv", default: heads)),
            "head_dim": .int(headSize),
            "hidden_act": "silu",
            "max_position_embeddings": .int(try size("context_length")),
            "rms_norm_eps": .double(try number("attention.layer_norm_rms_epsilon")),
            "rope_theta": .double(theta),
            "attention_dropout": 0.0,
        ]
        if isLlama {
            result["attention_bias"] = .bool(file.contains("blk.0.attn_q.bias"))
            result["mlp_bias"] = .bool(file.contains("blk.0.ffn_gate.bias"))
        } else {
            result["use_sliding_window"] = false
        }
        return result
    }

    private func gpt2() throws(CheckpointError) -> JSONValue {
        let hidden = try size("embedding_length")
        let inner = try size("feed_forward_length", default: 4 * hidden)
        return [
            "architectures": ["GPT2LMHeadModel"],
            "model_type": "gpt2",
            "activation_function": "gelu_new",
            "n_embd": .int(hidden),
            "n_inner": inner == 4 * hidden ? .null : .int(inner),
            "n_layer": .int(try size("block_count")),
            "n_head": .int(try size("attention.head_count")),
            "n_positions": .int(try size("context_length")),
            "layer_norm_epsilon": .double(try number("attention.layer_norm_epsilon")),
            "attn_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "resid_pdrop": 0.0,
            "scale_attn_weights": true,
        ]
    }

    private func refuseScaledRotation() throws(CheckpointError) {
        if let type = entry("rope.scaling.type")?.string, type != "none" {
            throw failure("rope.scaling.type", "is \(type), and scaled rotary positions are not supported")
        }
        if let factor = entry("rope.scale_linear")?.double, factor != 1 {
            throw failure("rope.scale_linear", "is \(factor), and scaled rotary positions are not supported")
        }
        if file.contains("rope_freqs.weight") {
            throw .badMetadata(
                path: file.path,
                key: "rope_freqs.weight",
                reason: "scales the rotary positions, which is not supported"
            )
        }
    }

    /// The rows of the embedding decide; the number of tokens may only be smaller (some converters pad).
    private func vocabularySize() throws(CheckpointError) -> Int {
        let shape = try file.info("token_embd.weight").shape
        guard shape.count == 2 else {
            throw .badMetadata(path: file.path, key: "token_embd.weight", reason: "is no matrix but has shape \(shape)")
        }
        if let tokens = file.metadata["tokenizer.ggml.tokens"]?.strings, tokens.count > shape[0] {
            throw .badMetadata(
                path: file.path,
                key: "tokenizer.ggml.tokens",
                reason: "lists \(tokens.count) tokens, more than the \(shape[0]) rows of the embedding"
            )
        }
        return shape[0]
    }
}
