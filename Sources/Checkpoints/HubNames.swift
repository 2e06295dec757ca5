/// The spellings under which the hub holds old checkpoints, brought to those that transformers saves today.
enum HubNames {
    /// Drops buffers that old versions saved among the weights (causal masks, rotary frequencies) and adds the prefix
    /// that checkpoints of the bare GPT-2 or OPT model lack.
    static func canonical(_ source: any TensorSource, architecture: String?) -> any TensorSource {
        let prefix: String
        let marker: String
        switch architecture {
        case "gpt2": (prefix, marker) = ("transformer.", "wte.weight")
        case "opt": (prefix, marker) = ("model.", "decoder.embed_tokens.weight")
        case "llama", "qwen2": (prefix, marker) = ("model.", "embed_tokens.weight")
        default: return source
        }
        let isBare = source.contains(marker)
        var origins: [String: MappedTensors.Origin] = [:]
        for name in source.tensorNames where !isBuffer(name, architecture: architecture) {
            let full = isBare && !name.hasPrefix(prefix) && name != "lm_head.weight" ? prefix + name : name
            // A file that has both spellings of one tensor is passed on as it is: the loader names the extra one.
            if origins.updateValue(.init(name: name, layout: .asStored), forKey: full) != nil { return source }
        }
        guard origins.contains(where: { $0.key != $0.value.name }) || origins.count < source.tensorNames.count else {
            return source
        }
        return (try? MappedTensors(source, origins: origins)) ?? source
    }

    private static func isBuffer(_ name: String, architecture: String?) -> Bool {
        if architecture == "gpt2" { return name.hasSuffix(".attn.bias") || name.hasSuffix(".attn.masked_bias") }
        return name.hasSuffix(".rotary_emb.inv_freq")
    }
}
