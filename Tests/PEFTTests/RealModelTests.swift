import Checkpoints
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing

/// LoRA and offsite-tuning on SmolLM2-135M-Instruct against peft and PyTorch, ten steps each.
@Suite(.serialized, .enabled(if: Golden.hasRealModel, Comment(rawValue: Golden.realModelHint)))
struct RealAdapterTests {
    @Test(arguments: ["lora_qv", "lora_all_linear_L3_27"]) func tenStepsOfLoRAMatch(_ name: String) throws {
        let model = try Golden.realModel()
        let batches = try Golden.batches("real/batches.safetensors").map(\.batch)
        let curve = try Golden.json("real/\(name)/curve.json")
        let folder = Golden.root + "/real/\(name)"
        let lora = try LoRA.load(from: folder + "/init", onto: model, isTrainable: true)
        let initial = lora.parameters.map { $0.value.values }
        let optimizer = ReferenceAdamW(lora.parameters, rate: try #require(curve["lr"]?.double))
        var losses: [Double] = []
        for (step, batch) in batches.enumerated() {
            let tape = Tape()
            let loss = model.loss(batch, on: tape)
            losses.append(Double(loss.values[0]))
            tape.backward(from: loss)
            if step == 0 { try checkGradients(lora, Golden.tensors("real/\(name)/grad0.safetensors")) }
            optimizer.update()
        }
        let expected = curve["losses"]?.doubles ?? []
        #expect(expected.count == batches.count)
        for (ours, theirs) in zip(losses, expected) { #expect(abs(ours - theirs) < 1e-3) }
        func loss() -> Double { Double(model.loss(batches[0], on: Tape(isRecording: false)).values[0]) }
        #expect(abs(loss() - (try #require(curve["loss_batch0_after"]?.double))) < 1e-3)
        let final = try SafetensorsFile(path: folder + "/final/adapter_model.safetensors")
        var (ours, theirs): ([Float], [Float]) = ([], [])
        for (parameter, start) in zip(lora.parameters, initial) {
            ours += zip(parameter.value.values, start).map { $0 - $1 }
            theirs += zip(try final.values(parameter.name), start).map { $0 - $1 }
        }
        #expect(cosine(ours, theirs) > 0.999)
        guard let merged = try? Golden.json("real/\(name)/merged.json")["merged_loss_batch0"]?.double else { return }
        lora.detach()
        let theirsMerged = try LoRA.load(from: folder + "/final", onto: model)
        theirsMerged.merge()
        #expect(abs(loss() - merged) < 1e-3)
    }

    /// Ten steps with products in bfloat16 against PyTorch's in float32.
    @Test(
        .enabled(if: ComputePrecision.supportsBFloat16, "this processor has no AVX512_BF16"),
        arguments: ["lora_qv", "lora_all_linear_L3_27"]
    )
    func bfloat16StaysNearFloat32(_ name: String) throws {
        let model = try Golden.realModel()
        let batches = try Golden.batches("real/batches.safetensors").map(\.batch)
        let curve = try Golden.json("real/\(name)/curve.json")
        let lora = try LoRA.load(from: Golden.root + "/real/\(name)/init", onto: model, isTrainable: true)
        model.compute(in: .bfloat16, releasingFloat32: true)
        let optimizer = ReferenceAdamW(lora.parameters, rate: try #require(curve["lr"]?.double))
        let expected = curve["losses"]?.doubles ?? []
        #expect(expected.count == batches.count)
        for (batch, theirs) in zip(batches, expected) {
            let tape = Tape()
            let loss = model.loss(batch, on: tape)
            #expect(abs(Double(loss.values[0]) - theirs) < 1e-2)
            tape.backward(from: loss)
            optimizer.update()
        }
    }

    private func checkGradients(_ lora: LoRA, _ expected: SafetensorsFile) throws {
        let byName = Dictionary(uniqueKeysWithValues: lora.parameters.map { ($0.name, $0) })
        #expect(!expected.tensorNames.isEmpty)
        for name in expected.tensorNames {
            let parameter = try #require(byName[name.replacingOccurrences(of: ".default.weight", with: ".weight")])
            let wanted = try expected.values(name)
            let gradient = try #require(parameter.gradient).values
            #expect(relativeError(gradient, wanted) < 1e-3, "\(name)")
        }
    }

    @Test func allFourSettingsOfOffsiteTuningMatch() throws {
        try OffsiteTuningRun("real/offsite_tuning", batches: "real/batches.safetensors")
            .check(Golden.realModel(), tolerance: 1e-3)
    }
}
