extension GGUFModel {
    private typealias Layout = MappedTensors.Layout

    /// The tensors under Hugging Face names and in Hugging Face layouts.
    ///
    /// - Throws: `CheckpointError.badMetadata` for a tensor that has no place in the architecture.
    func tensors() throws -> MappedTensors {
        let outer = outerNames
        let inner = try innerNames()
        var origins: [String: MappedTensors.Origin] = [:]
        for name in file.tensorNames {
            if name == "output.weight" && isTied { continue }
            let place: (name: String, layout: Layout)?
            if let fixed = outer[name] {
                place = (fixed, .asStored)
            } else if let (index, rest) = Self.block(name), let found = inner[rest] {
                place = ("\(blockPrefix)\(index).\(found.name)", found.layout)
            } else {
                place = nil
            }
            guard let place else {
                throw CheckpointError.badMetadata(
                    path: file.path,
                    key: name,
                    reason: "is a tensor that a \(architecture.rawValue) model does not have"
                )
            }
            origins[place.name] = .init(name: name, layout: place.layout)
        }
        return try MappedTensors(file, origins: origins)
    }

    /// `blk.3.attn_q.weight` is `attn_q.weight` of block 3; only the plain decimal form of a number counts.
    private static func block(_ name: String) -> (Int, String)? {
        let parts = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "blk", let index = Int(parts[1]), index >= 0, String(index) == parts[1]
        else {
            return nil
        }
        return (index, String(parts[2]))
    }

    private var blockPrefix: String { architecture == .gpt2 ? "transformer.h." : "model.layers." }

    private var outerNames: [String: String] {
        if architecture == .gpt2 {
            return [
                "token_embd.weight": "transformer.wte.weight",
                "position_embd.weight": "transformer.wpe.weight",
                "output_norm.weight": "transformer.ln_f.weight",
                "output_norm.bias": "transformer.ln_f.bias",
                "output.weight": "lm_head.weight",
            ]
        }
        return [
            "token_embd.weight": "model.embed_tokens.weight",
            "output_norm.weight": "model.norm.weight",
            "output.weight": "lm_head.weight",
        ]
    }

    private func innerNames() throws(CheckpointError) -> [String: (name: String, layout: Layout)] {
        var names: [String: (name: String, layout: Layout)] = [:]
        func add(_ stored: String, _ name: String, _ layout: Layout = .asStored, bias: Layout? = .asStored) {
            names["\(stored).weight"] = ("\(name).weight", layout)
            if let bias { names["\(stored).bias"] = ("\(name).bias", bias) }
        }
        if architecture == .gpt2 {
            add("attn_norm", "ln_1")
            add("attn_qkv", "attn.c_attn", .transposed)
            add("attn_output", "attn.c_proj", .transposed)
            add("ffn_norm", "ln_2")
            add("ffn_up", "mlp.c_fc", .transposed)
            add("ffn_down", "mlp.c_proj", .transposed)
            return names
        }
        let heads = try size("attention.head_count")
        let keyHeads = try size("attention.head_count_kv", default: heads)
        let query: Layout = architecture == .llama ? .pairedRows(heads: heads) : .asStored
        let key: Layout = architecture == .llama ? .pairedRows(heads: keyHeads) : .asStored
        add("attn_norm", "input_layernorm", bias: nil)
        add("attn_q", "self_attn.q_proj", query, bias: query)
        add("attn_k", "self_attn.k_proj", key, bias: key)
        add("attn_v", "self_attn.v_proj")
        add("attn_output", "self_attn.o_proj")
        add("ffn_norm", "post_attention_layernorm", bias: nil)
        add("ffn_gate", "mlp.gate_proj")
        add("ffn_up", "mlp.up_proj")
        add("ffn_down", "mlp.down_proj")
        return names
    }
}
