import Checkpoints
import LanguageModels
import Testing

@Suite struct ConfigurationTests {
    private func refusal(_ json: JSONValue) -> String {
        do {
            _ = try ModelConfiguration(json: json)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func anUnknownArchitectureIsNamedBesideTheKnownOnes() {
        let text = refusal(["model_type": "mamba", "architectures": ["MambaForCausalLM"]])
        #expect(text.contains("mamba") && text.contains("llama, qwen2, gpt2, opt"))
        #expect(refusal(["architectures": ["BloomForCausalLM"]]).contains("BloomForCausalLM"))
        #expect(refusal([:]).contains("none named"))
    }

    @Test func theClassNameAloneIsEnough() throws {
        var json = TinyConfiguration.gpt2()
        json["model_type"] = nil
        #expect(try ModelConfiguration(json: json).architecture == .gpt2)
    }

    @Test func featuresThatWouldChangeTheResultAreRefusedByName() {
        let cases: [(JSONValue, String)] = [
            (TinyConfiguration.llama(["rope_scaling": ["rope_type": "llama3", "factor": 8]]), "llama3"),
            (TinyConfiguration.llama(["rope_parameters": ["rope_type": "yarn", "rope_theta": 10000]]), "yarn"),
            (TinyConfiguration.llama(["rope_scaling": ["type": "linear", "factor": 2]]), "linear"),
            (TinyConfiguration.llama(["hidden_act": "gelu"]), "gelu"),
            (TinyConfiguration.llama(["partial_rotary_factor": 0.5]), "0.5"),
            (TinyConfiguration.qwen2(["use_sliding_window": true]), "use_sliding_window"),
            (TinyConfiguration.qwen2(["layer_types": ["full_attention", "sliding_attention"]]), "sliding_attention"),
            (TinyConfiguration.gpt2(["activation_function": "gelu"]), "gelu"),
            (TinyConfiguration.gpt2(["scale_attn_by_inverse_layer_idx": true]), "scale_attn_by_inverse_layer_idx"),
            (TinyConfiguration.opt(["do_layer_norm_before": false]), "do_layer_norm_before"),
            (TinyConfiguration.opt(["word_embed_proj_dim": 8]), "word_embed_proj_dim"),
        ]
        for (json, word) in cases { #expect(refusal(json).contains(word), "\(word): \(refusal(json))") }
    }

    @Test func missingAndSenselessKeysAreNamed() {
        var json = TinyConfiguration.llama()
        json["hidden_size"] = nil
        #expect(refusal(json).contains("hidden_size"))
        #expect(refusal(TinyConfiguration.llama(["hidden_size": -4])).contains("-4"))
        #expect(refusal(TinyConfiguration.llama(["vocab_size": "many"])).contains("vocab_size"))
        #expect(refusal(TinyConfiguration.llama(["num_hidden_layers": 1_000_000])).contains("1000000"))
        #expect(refusal(TinyConfiguration.llama(["num_key_value_heads": 3])).contains("num_key_value_heads"))
        #expect(refusal(TinyConfiguration.gpt2(["n_head": 5])).contains("multiple of 5"))
    }

    @Test func fewerLayersAreWrittenForBothGenerationsOfTransformers() throws {
        let json = TinyConfiguration.qwen2([
            "rope_theta": .null, "rope_parameters": ["rope_type": "default", "rope_theta": 77000.0],
            "layer_types": ["full_attention", "full_attention", "full_attention"],
        ])
        let configuration = try ModelConfiguration(json: json)
        let smaller = configuration.json(layerCount: 2)
        #expect(smaller["num_hidden_layers"]?.int == 2)
        #expect(smaller["layer_types"]?.array?.count == 2)
        #expect(smaller["rope_theta"]?.double == 77000)
        #expect(smaller["rope_parameters"]?["rope_theta"]?.double == 77000)
        #expect(try ModelConfiguration(json: smaller).layerCount == 2)
        #expect(try ModelConfiguration(json: TinyConfiguration.gpt2()).json(layerCount: 1)["n_layer"]?.int == 1)
    }
}
