import Checkpoints
import Foundation
import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing

/// LoRA against peft: its files, gradients, training and what it writes.
@Suite struct TinyLoRATests {
    static let architectures = ["llama", "qwen2", "gpt2", "opt"]

    private func folder(_ name: String) -> String { Golden.root + "/tiny/\(name)/lora" }

    /// peft's names in memory carry the adapter's name, those in files do not.
    private func inMemory(_ name: String) -> String {
        name.replacingOccurrences(of: ".weight", with: ".default.weight")
    }

    @Test(arguments: architectures) func gradientsAndTrainingMatch(_ name: String) throws {
        let model = try Golden.tinyModel(name)
        let batches = try Golden.batches("tiny/\(name)/batches.safetensors").map(\.batch)
        let curve = try Golden.json("tiny/\(name)/lora/curve.json")
        let lora = try LoRA.load(from: folder(name) + "/init", onto: model, isTrainable: true)
        let initial = lora.parameters.map { $0.value.values }
        let gradients = try Golden.tensors("tiny/\(name)/lora/grad0.safetensors")
        #expect(Set(gradients.tensorNames) == Set(lora.parameters.map { inMemory($0.name) }))
        let optimizer = ReferenceAdamW(lora.parameters, rate: try #require(curve["lr"]?.double))
        var losses: [Double] = []
        for (step, batch) in batches.enumerated() {
            let tape = Tape()
            let loss = model.loss(batch, on: tape)
            losses.append(Double(loss.values[0]))
            tape.backward(from: loss)
            for parameter in lora.parameters where step == 0 {
                let wanted = try gradients.values(inMemory(parameter.name))
                #expect(relativeError(try #require(parameter.gradient).values, wanted) < 1e-4, "\(parameter.name)")
            }
            optimizer.update()
        }
        let expected = curve["losses"]?.doubles ?? []
        #expect(expected.count == batches.count)
        for (ours, theirs) in zip(losses, expected) { #expect(abs(ours - theirs) < 1e-4) }
        let after = Double(model.loss(batches[0], on: Tape(isRecording: false)).values[0])
        #expect(abs(after - (try #require(curve["loss_batch0_after"]?.double))) < 1e-4)
        #expect(!model.parameters.contains { $0.isTrainable || $0.gradient != nil })
        let final = try SafetensorsFile(path: folder(name) + "/final/adapter_model.safetensors")
        for (parameter, start) in zip(lora.parameters, initial) {
            let ours = zip(parameter.value.values, start).map { $0 - $1 }
            let theirs = zip(try final.values(parameter.name), start).map { $0 - $1 }
            #expect(cosine(ours, theirs) > 0.999, "\(parameter.name)")
        }
    }

    @Test(arguments: architectures) func whatIsReadIsWrittenAgainAsPeftWroteIt(_ name: String) throws {
        let model = try Golden.tinyModel(name)
        let lora = try LoRA.load(from: folder(name) + "/final", onto: model)
        let out = try TemporaryFolder()
        try lora.save(to: out.file("adapter"))
        func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
        #expect(
            try bytes(out.file("adapter/adapter_model.safetensors"))
                == bytes(folder(name) + "/final/adapter_model.safetensors")
        )
        #expect(
            try JSONValue.read(out.file("adapter/adapter_config.json"))
                == JSONValue.read(folder(name) + "/final/adapter_config.json")
        )
    }

    @Test(arguments: architectures) func mergingMovesTheUpdateIntoTheWeightsAndBack(_ name: String) throws {
        let model = try Golden.tinyModel(name)
        let ids: [Int32] = [5, 99, 20, 14, 81]
        let bare = try model.logits(ids).values
        let weights = model.parameters.map { $0.value.values }
        let lora = try LoRA.load(from: folder(name) + "/final", onto: model)
        let beside = try model.logits(ids).values
        #expect(largestDifference(bare, beside) > 1e-2)
        lora.merge()
        #expect(lora.isMerged && model.linears.allSatisfy { $0.lowRank == nil })
        #expect(largestDifference(try model.logits(ids).values, beside) < 1e-4)
        lora.unmerge()
        #expect(model.parameters.map { $0.value.values } == weights)
        #expect(try model.logits(ids).values == beside)
        lora.detach()
        #expect(try model.logits(ids).values == bare)
    }

    @Test func mergingLeavesAModelThatSharesTheWeightsAlone() throws {
        let full = try Golden.committedModel("llama")
        let weights = full.parameters.map { $0.value.values }
        let emulator = try full.subset(blocks: [0, 1, 3], copying: [])
        let lora = try LoRA.attach(
            to: emulator,
            configuration: LoRAConfiguration(rank: 2, targets: .allLinear),
            generator: SeededGenerator(seed: 1)
        )
        for parameter in lora.parameters {
            parameter.value.withUnsafeMutableBufferPointer { $0.update(repeating: 0.1) }
        }
        lora.merge()
        #expect(full.parameters.map { $0.value.values } == weights)
        #expect(emulator.blocks[0].parameters[0].value.values != full.blocks[0].parameters[0].value.values)
    }
}
