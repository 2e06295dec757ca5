import Checkpoints
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing

@Suite struct LoRASettingsTests {
    private func modules(
        _ targets: LoRAConfiguration.Targets,
        layers: [Int]? = nil,
        on name: String = "llama"
    ) throws -> [String] {
        let lora = try LoRA.attach(
            to: Golden.committedModel(name),
            configuration: LoRAConfiguration(rank: 2, targets: targets, layersToTransform: layers),
            generator: SeededGenerator(seed: 1)
        )
        return lora.branches.map(\.linear.name)
    }

    private func refusal(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func targetsMatchAsInPeft() throws {
        #expect(try modules(.names(["q_proj"])) == (0..<4).map { "model.layers.\($0).self_attn.q_proj" })
        #expect(try modules(.names(["mlp.up_proj"]), layers: [2]) == ["model.layers.2.mlp.up_proj"])
        #expect(try modules(.names(["model.layers.1.mlp.up_proj"])) == ["model.layers.1.mlp.up_proj"])
        #expect(try modules(.allLinear, layers: [0, 3]).count == 14)
        #expect(try modules(.pattern(#".*\.[03]\..*\.(q|v)_proj"#)).count == 4)
        // An end of a name counts only behind a dot; a pattern must match from end to end.
        #expect(refusal { _ = try modules(.names(["proj"])) }.contains("q_proj"))
        #expect(refusal { _ = try modules(.pattern("q_proj")) }.contains("q_proj"))
        #expect(try modules(.names(["c_attn"]), on: "gpt2").count == 4)
        #expect(try modules(.allLinear, on: "gpt2").count == 16)
    }

    @Test func unknownTargetsLayersAndSecondAdaptersAreRefused() throws {
        let unknown = refusal { _ = try modules(.names(["q_proj", "wqkv"])) }
        #expect(unknown.contains("wqkv") && unknown.contains("self_attn.q_proj"))
        #expect(refusal { _ = try modules(.allLinear, layers: [4]) }.contains("4 layers"))
        #expect(refusal { _ = try modules(.pattern("(")) }.contains("regular expression"))
        let model = try Golden.committedModel("llama")
        let settings = try LoRAConfiguration(targets: .names(["q_proj"]))
        _ = try LoRA.attach(to: model, configuration: settings, generator: SeededGenerator(seed: 1))
        #expect(throws: PEFTError.alreadyAttached(module: "model.layers.0.self_attn.q_proj")) {
            try LoRA.attach(to: model, configuration: settings, generator: SeededGenerator(seed: 1))
        }
        #expect(throws: PEFTError.self) { try LoRAConfiguration(rank: 0, targets: .allLinear) }
        #expect(throws: PEFTError.self) { try LoRAConfiguration(alpha: .nan, targets: .allLinear) }
        #expect(throws: PEFTError.self) { try LoRAConfiguration(targets: .names([])) }
    }

    @Test func freshBranchesStartAsPeftInitialisesThem() throws {
        let model = try Golden.committedModel("llama")
        let before = try model.logits([3, 4, 5]).values
        let lora = try LoRA.attach(
            to: model,
            configuration: LoRAConfiguration(rank: 8, alpha: 16, targets: .allLinear),
            generator: SeededGenerator(seed: 3)
        )
        #expect(try model.logits([3, 4, 5]).values == before)
        #expect(lora.parameters.allSatisfy(\.isTrainable) && lora.branches.allSatisfy { $0.branch.scale == 2 })
        for (linear, branch) in lora.branches {
            #expect(branch.b.value.values.allSatisfy { $0 == 0 })
            let bound = 1 / Float(linear.inputSize).squareRoot()
            let values = branch.a.value.values
            #expect(values.allSatisfy { abs($0) <= bound })
            // A uniform variable in ±bound has the deviation bound / √3.
            let deviation = Float(norm(values) / Double(values.count).squareRoot())
            #expect(abs(deviation / bound - 0.577) < 0.08)
        }
        let again = try LoRA.attach(
            to: Golden.committedModel("llama"),
            configuration: LoRAConfiguration(rank: 8, alpha: 16, targets: .names(["v_proj"])),
            generator: SeededGenerator(seed: 3)
        )
        let same = try #require(lora.parameters.first { $0.name == again.parameters[0].name })
        #expect(same.value.values == again.parameters[0].value.values)
    }

    @Test func settingsSurviveJSON() throws {
        let settings = try LoRAConfiguration(
            rank: 4,
            alpha: 12.5,
            targets: .names(["q_proj", "v_proj"]),
            layersToTransform: [0, 5],
            isRankStabilized: true,
            baseModel: "a/b"
        )
        let decoded = try JSONDecoder().decode(LoRAConfiguration.self, from: JSONEncoder().encode(settings))
        #expect(decoded == settings && decoded.scale == 6.25)
        let all = try LoRAConfiguration(targets: .allLinear)
        #expect(try JSONDecoder().decode(LoRAConfiguration.self, from: JSONEncoder().encode(all)) == all)
    }

    @Test func settingsThatWouldChangeTheResultAreRefusedByName() throws {
        let base = try JSONValue.read(Golden.committedRoot + "/tiny/llama/lora/init/adapter_config.json")
        let cases: [(String, JSONValue)] = [
            ("use_dora", true), ("lora_dropout", 0.1), ("bias", "all"), ("rank_pattern", ["q_proj": 8]),
            ("modules_to_save", ["lm_head"]), ("lora_bias", true), ("layer_replication", [[0, 2]]),
        ]
        for (key, value) in cases {
            var json = base
            json[key] = value
            let text = refusal { _ = try LoRAConfiguration(json: json, path: "adapter") }
            #expect(text.contains(key), "\(key): \(text)")
        }
        var other = base
        other["peft_type"] = "PROMPT_TUNING"
        #expect(refusal { _ = try LoRAConfiguration(json: other, path: "adapter") }.contains("PROMPT_TUNING"))
    }

    @Test func anAdapterOfAnotherModelIsRefused() throws {
        let llama = Golden.committedRoot + "/tiny/llama/lora/init"
        // Not one of its targets exists in GPT-2.
        #expect(refusal { _ = try LoRA.load(from: llama, onto: Golden.committedModel("gpt2")) }.contains("q_proj"))
        // OPT has q_proj and v_proj, but other modules and names.
        let opt = Golden.committedRoot + "/tiny/opt/lora/init"
        let names = refusal { _ = try LoRA.load(from: opt, onto: Golden.committedModel("llama")) }
        #expect(names.contains("lacks") && names.contains("unexpected") && names.contains("fc1"))
        // The same names, but one block fewer.
        let short = try Golden.committedModel("llama").subset(blocks: [0, 1, 2])
        #expect(refusal { _ = try LoRA.load(from: llama, onto: short) }.contains("layers.3.mlp.down_proj.lora_A"))
    }

    @Test func damagedAdaptersAreRefused() throws {
        let source = Golden.committedRoot + "/tiny/llama/lora/init"
        let file = try SafetensorsFile(path: source + "/adapter_model.safetensors")
        let victim = "base_model.model.model.layers.2.mlp.up_proj.lora_B.weight"
        func load(_ change: (_ name: String, _ shape: [Int], _ values: [Float]) -> (shape: [Int], values: [Float])?)
            throws
        {
            let folder = try TemporaryFolder()
            let entries = try file.tensorNames.compactMap { name -> SafetensorsWriter.Entry? in
                let (shape, values) = (try file.info(name).shape, try file.values(name))
                let changed = name == victim ? change(name, shape, values) : (shape: shape, values: values)
                return changed.map { SafetensorsWriter.Entry(name: name, shape: $0.shape, values: $0.values) }
            }
            try SafetensorsWriter.write(entries, to: folder.file("adapter_model.safetensors"))
            try FileManager.default.copyItem(
                atPath: source + "/adapter_config.json",
                toPath: folder.file("adapter_config.json")
            )
            _ = try LoRA.load(from: folder.path, onto: Golden.committedModel("llama"))
        }
        #expect(refusal { try load { _, shape, values in (shape, values) } } == "")
        #expect(refusal { try load { _, _, _ in nil } }.contains("lacks \(victim)"))
        let shape = refusal { try load { _, shape, values in ([shape[1], shape[0]], values) } }
        #expect(shape.contains(victim) && shape.contains("[4, 128] instead of [128, 4]"))
        let nan = refusal { try load { _, shape, values in (shape, [.nan] + values.dropFirst()) } }
        #expect(nan.contains(victim) && nan.contains("NaN"))
    }
}
