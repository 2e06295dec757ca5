import Checkpoints
import LanguageModels
import TensorEngine
import TestSupport
import Testing

/// Forward pass, gradients, training and decoding of the four architectures against transformers.
@Suite struct TinyGoldenTests {
    static let architectures = ["llama", "qwen2", "gpt2", "opt"]

    @Test(arguments: architectures) func hiddenStatesAndLogitsMatch(_ name: String) throws {
        let model = try Golden.tinyModel(name)
        let golden = try Golden.batches("tiny/\(name)/batches.safetensors")[0]
        let forward = try Golden.tensors("tiny/\(name)/forward0.safetensors")
        let layout = golden.batch.layout
        func expected(_ key: String) throws -> [Float] {
            let values = try forward.values(key)
            let width = try forward.info(key).shape[2]
            return golden.paddedRows.flatMap { values[$0 * width..<($0 + 1) * width] }
        }
        let tape = Tape(isRecording: false)
        var x = model.embed(golden.batch.ids, layout: layout, on: tape)
        for index in model.blocks.indices {
            #expect(largestDifference(x.values, try expected("hidden.\(index)")) < 1e-4, "hidden.\(index)")
            x = model.run(blocks: index..<index + 1, from: x, layout: layout, on: tape)
        }
        let last = model.normed(x, on: tape)
        #expect(largestDifference(last.values, try expected("hidden.4")) < 1e-4)
        let logits = logits(hidden: last, head: model.headWeight)
        #expect(largestDifference(logits.values, try expected("logits")) < 1e-4)
    }

    @Test(arguments: architectures) func everyGradientMatches(_ name: String) throws {
        let model = try Golden.tinyModel(name)
        let batch = try Golden.batches("tiny/\(name)/batches.safetensors")[0].batch
        for parameter in model.parameters { parameter.isTrainable = true }
        let tape = Tape()
        tape.backward(from: model.loss(batch, on: tape))
        let expected = try Golden.tensors("tiny/\(name)/grad0.safetensors")
        #expect(Set(expected.tensorNames) == Set(model.parameters.map(\.name)))
        for parameter in model.parameters {
            let gradient = try #require(parameter.gradient, "\(parameter.name)").values
            let wanted = try expected.values(parameter.name)
            // A key bias shifts all scores of a row alike: its gradient is zero but for rounding.
            if norm(wanted) < 1e-5 {
                #expect(gradient.allSatisfy { abs($0) < 1e-6 }, "\(parameter.name)")
            } else {
                #expect(relativeError(gradient, wanted) < 1e-4, "\(parameter.name)")
            }
        }
    }

    @Test(arguments: architectures) func fiveStepsOfFullTrainingMatch(_ name: String) throws {
        let model = try Golden.tinyModel(name)
        let batches = try Golden.batches("tiny/\(name)/batches.safetensors").map(\.batch)
        let golden = try Golden.json("tiny/\(name)/golden.json")
        for parameter in model.parameters { parameter.isTrainable = true }
        let optimizer = ReferenceAdamW(model.parameters, rate: try #require(golden["lr"]?.double))
        var losses: [Double] = []
        for batch in batches {
            let tape = Tape()
            let loss = model.loss(batch, on: tape)
            losses.append(Double(loss.values[0]))
            tape.backward(from: loss)
            optimizer.update()
        }
        let after = Double(model.loss(batches[0], on: Tape(isRecording: false)).values[0])
        let expected = golden["losses"]?.doubles ?? []
        #expect(expected.count == batches.count)
        for (ours, theirs) in zip(losses, expected) { #expect(abs(ours - theirs) < 1e-4) }
        #expect(abs(after - (try #require(golden["loss_batch0_after"]?.double))) < 1e-4)
    }

    @Test(arguments: architectures) func greedyDecodingMatches(_ name: String) throws {
        let model = try Golden.tinyModel(name)
        let golden = try Golden.json("tiny/\(name)/golden.json")
        let prompt = golden["greedy_prompt"]?.ids ?? []
        let expected = golden["greedy_output"]?.ids ?? []
        #expect(try prompt + model.generate(prompt, maximumTokens: expected.count - prompt.count) == expected)
    }

    @Test(arguments: ["llama", "qwen2"]) func configurationsOfTransformers4MeanTheSame(_ name: String) throws {
        // The committed set has the old style for one of them; the other is built from the new one.
        let new = try Golden.json("tiny/\(name)/model/config.json")
        var old = new
        old["rope_parameters"] = nil
        old["rope_theta"] = new["rope_parameters"]?["rope_theta"]
        old["rope_scaling"] = .null
        var configurations = [try ModelConfiguration(json: old), try ModelConfiguration(json: new)]
        if let stored = try? Golden.json("tiny/\(name)/config_v4_style.json") {
            configurations.append(try ModelConfiguration(json: stored))
        }
        #expect(Set(configurations.map(\.ropeTheta)).count == 1)
        #expect(configurations[0].ropeTheta == new["rope_parameters"]?["rope_theta"]?.double)
        let folder = Golden.root + "/tiny/\(name)/model"
        let file = try SafetensorsFile(path: folder + "/model.safetensors")
        let models = try configurations.map { try LanguageModel.load(file, configuration: $0, path: folder) }
        let logits = try models.map { try $0.logits([5, 9, 20, 31, 7]).values }
        for other in logits.dropFirst() { #expect(other == logits[0]) }
    }
}
