import Checkpoints
import Foundation
import LanguageModels
import TensorEngine
import TestSupport
import Testing

@Suite struct LoadingTests {
    private func load(_ source: MemorySource, _ json: JSONValue) throws -> LanguageModel {
        try LanguageModel.load(source, configuration: ModelConfiguration(json: json), path: "a.safetensors")
    }

    private func refusal(_ source: MemorySource, _ json: JSONValue) -> String {
        do {
            _ = try load(source, json)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: TinyConfiguration.all) func whatIsSavedIsLoaded(_ json: JSONValue) throws {
        let model = try TinyConfiguration.model(json)
        let folder = try TemporaryFolder()
        try model.save(to: folder.file("m"), files: ["emulator.json": Data("{}".utf8)])
        let configuration = try ModelConfiguration(json: JSONValue.read(folder.file("m/config.json")))
        let file = try SafetensorsFile(path: folder.file("m/model.safetensors"))
        let loaded = try LanguageModel.load(file, configuration: configuration, path: folder.file("m"))
        #expect(loaded.parameters.map(\.name) == model.parameters.map(\.name))
        #expect(loaded.parameters.map { $0.value.values } == model.parameters.map { $0.value.values })
        #expect(file.metadata["format"] == "pt")
        #expect(FileManager.default.fileExists(atPath: folder.file("m/emulator.json")))
        #expect(throws: (any Error).self) { try model.save(to: folder.file("m")) }
    }

    @Test func bfloat16HalvesTheFileAndRoundsTheWeights() throws {
        let model = try TinyConfiguration.model(TinyConfiguration.llama())
        let folder = try TemporaryFolder()
        try model.save(to: folder.file("m"), type: .bf16)
        let file = try SafetensorsFile(path: folder.file("m/model.safetensors"))
        for parameter in model.parameters {
            #expect(try file.info(parameter.name).byteCount == 2 * parameter.value.count)
            #expect(relativeError(try file.values(parameter.name), parameter.value.values) < 4e-3)
        }
        #expect(try JSONValue.read(folder.file("m/config.json"))["dtype"]?.string == "bfloat16")
    }

    @Test func everyMissingAndExtraTensorIsNamed() throws {
        let json = TinyConfiguration.llama()
        let source = MemorySource(try TinyConfiguration.model(json))
        source.tensors["model.layers.1.mlp.up_proj.weight"] = nil
        source.tensors["model.norm.weight"] = nil
        source.tensors["model.layers.3.mlp.up_proj.weight"] = ([1], [0])
        let text = refusal(source, json)
        for word in ["layers.1.mlp.up_proj", "model.norm.weight", "layers.3.mlp.up_proj", "a.safetensors"] {
            #expect(text.contains(word), "\(text)")
        }
    }

    @Test func wrongShapesAreNamedWithBothShapes() throws {
        let json = TinyConfiguration.llama()
        let source = MemorySource(try TinyConfiguration.model(json))
        source.tensors["model.layers.0.self_attn.k_proj.weight"] = ([16, 8], [Float](repeating: 0, count: 128))
        let text = refusal(source, json)
        #expect(text.contains("k_proj.weight") && text.contains("[16, 8]") && text.contains("[8, 16]"))
    }

    @Test(arguments: [Float.nan, .infinity]) func aTensorThatIsNotFiniteIsNamed(_ poison: Float) throws {
        let json = TinyConfiguration.opt()
        let source = MemorySource(try TinyConfiguration.model(json))
        source.tensors["model.decoder.layers.2.fc2.bias"]?.values[5] = poison
        let text = refusal(source, json)
        #expect(text.contains("layers.2.fc2.bias") && text.contains("position 5"))
    }

    @Test func oldBuffersAndATiedHeadAreHarmless() throws {
        let llama = MemorySource(try TinyConfiguration.model(TinyConfiguration.llama()))
        llama.tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = ([2], [1, 0.1])
        llama.tensors["lm_head.weight"] = llama.tensors["model.embed_tokens.weight"]
        #expect(try load(llama, TinyConfiguration.llama()).blocks.count == 3)
        let gpt2 = MemorySource(try TinyConfiguration.model(TinyConfiguration.gpt2()))
        gpt2.tensors["transformer.h.0.attn.bias"] = ([1], [0])
        gpt2.tensors["transformer.h.0.attn.masked_bias"] = ([1], [0])
        #expect(try load(gpt2, TinyConfiguration.gpt2()).blocks.count == 3)
        // The true biases end alike and still count.
        gpt2.tensors["transformer.h.0.attn.c_attn.bias"] = nil
        #expect(refusal(gpt2, TinyConfiguration.gpt2()).contains("transformer.h.0.attn.c_attn.bias"))
    }

    @Test(arguments: TinyConfiguration.all) func namesWithoutTheHeadlessModelsPrefixAreFound(_ json: JSONValue) throws {
        let model = try TinyConfiguration.model(json)
        let source = MemorySource(model)
        let prefix = json["model_type"]?.string == "gpt2" ? "transformer." : "model."
        source.tensors = Dictionary(
            uniqueKeysWithValues: source.tensors.map { (String($0.key.dropFirst(prefix.count)), $0.value) }
        )
        let loaded = try load(source, json)
        #expect(loaded.parameters.map(\.name) == model.parameters.map(\.name))
        #expect(try loaded.logits([3, 1, 4]).values == model.logits([3, 1, 4]).values)
    }

    @Test func anUntiedHeadIsAParameterOfItsOwn() throws {
        let json = TinyConfiguration.llama(["tie_word_embeddings": false, "attention_bias": true, "mlp_bias": true])
        let model = try TinyConfiguration.model(json)
        #expect(model.headWeight.name == "lm_head.weight" && model.headWeight !== model.tokenEmbedding)
        #expect(model.parameters.contains { $0.name == "model.layers.2.mlp.down_proj.bias" })
        #expect(model.parameters.contains { $0.name == "model.layers.2.self_attn.o_proj.bias" })
        let source = MemorySource(model)
        #expect(try load(source, json).logits([2, 3]).values == model.logits([2, 3]).values)
        source.tensors["lm_head.weight"] = nil
        #expect(refusal(source, json).contains("lm_head.weight"))
    }

    @Test func aModelThatHasDivergedIsNotSaved() throws {
        let model = try TinyConfiguration.model(TinyConfiguration.gpt2())
        model.blocks[1].parameters[0].value.withUnsafeMutableBufferPointer { $0[0] = .nan }
        let folder = try TemporaryFolder()
        #expect(throws: LanguageModelError.self) { try model.save(to: folder.file("m")) }
        #expect(!FileManager.default.fileExists(atPath: folder.file("m")))
    }
}
