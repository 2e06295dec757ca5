import Checkpoints
import LanguageModels
import PEFT
import TensorEngine
import TestSupport
import Testing

/// The four settings of offsite-tuning on a golden set: full and emulator zero-shot, emulator fine-tuned, plugged in.
struct OffsiteTuningRun {
    let curve: JSONValue
    let tensors: SafetensorsFile
    let batches: [TokenBatch]

    init(_ folder: String, batches: String) throws {
        curve = try Golden.json(folder + "/curve.json")
        tensors = try Golden.tensors(folder + "/tensors.safetensors")
        self.batches = try Golden.batches(batches).map(\.batch)
    }

    private func numbers(_ key: String) -> [Int] { (curve[key]?.array ?? []).compactMap(\.int) }

    /// Runs all four and compares losses within `tolerance`, and the first gradients' norms.
    func check(_ full: LanguageModel, tolerance: Double) throws {
        let kept = numbers("kept_layers")
        let trained = Set(numbers("left_adapter") + numbers("right_adapter"))
        let places = kept.indices.filter { trained.contains(kept[$0]) }
        let emulator = try full.subset(blocks: kept, copying: Set(places))
        func losses(_ model: LanguageModel) -> [Double] {
            batches.prefix(2).map { Double(model.loss($0, on: Tape(isRecording: false)).values[0]) }
        }
        func expectLosses(_ found: [Double], _ key: String) {
            let wanted = curve[key]?.doubles ?? []
            #expect(wanted.count == found.count, "\(key)")
            for (ours, theirs) in zip(found, wanted) { #expect(abs(ours - theirs) < tolerance, "\(key)") }
        }
        expectLosses(losses(full), "full_zero_shot")
        expectLosses(losses(emulator), "emulator_zero_shot")
        let adapter = try WholeBlocks(places, of: emulator)
        let optimizer = ReferenceAdamW(adapter.parameters, rate: try #require(curve["lr"]?.double))
        var course: [Double] = []
        for (step, batch) in batches.enumerated() {
            let tape = Tape()
            let loss = emulator.loss(batch, on: tape)
            course.append(Double(loss.values[0]))
            tape.backward(from: loss)
            if step == 0 { try checkGradients(emulator, places: places, kept: kept) }
            optimizer.update()
        }
        expectLosses(course, "losses")
        expectLosses(losses(emulator), "emulator_finetuned")
        let folder = try TemporaryFolder()
        try adapter.save(to: folder.path)
        let renumbering = Dictionary(uniqueKeysWithValues: places.map { ($0, kept[$0]) })
        let plugged = try WholeBlocks.load(from: folder.path, onto: full, renumbering: renumbering)
        expectLosses(losses(full), "plug_in")
        for parameter in plugged.parameters {
            try checkValues(parameter.value.values, "final", parameter.name, tolerance: 1e-2)
        }
    }

    private func checkGradients(_ emulator: LanguageModel, places: [Int], kept: [Int]) throws {
        for place in places {
            for parameter in emulator.blocks[place].parameters {
                let name =
                    emulator.blockPrefix(kept[place]) + parameter.name.dropFirst(emulator.blockPrefix(place).count)
                let gradient = try #require(parameter.gradient).values
                let wanted = try #require(curve["grad_norm_per_tensor"]?[name]?.double)
                #expect(abs(norm(gradient) / wanted - 1) < 1e-3, "\(name)")
                try checkValues(gradient, "grad0", name, tolerance: 1e-3)
            }
        }
    }

    /// Compares whole tensors, or, where the set keeps only samples, every (count / 64)th element.
    private func checkValues(_ values: [Float], _ kind: String, _ name: String, tolerance: Double) throws {
        if tensors.contains("\(kind).\(name)") {
            #expect(relativeError(values, try tensors.values("\(kind).\(name)")) < tolerance, "\(kind) \(name)")
        } else {
            let stride = max(1, values.count / 64)
            let sample = (0..<min(64, (values.count + stride - 1) / stride)).map { values[$0 * stride] }
            let wanted = try tensors.values("\(kind)_sampled.\(name)")
            #expect(relativeError(sample, wanted) < tolerance, "\(kind) \(name)")
        }
    }
}

@Suite struct OffsiteTuningTests {
    @Test func allFourSettingsMatchOnTheTinyModel() throws {
        try OffsiteTuningRun("tiny/llama/offsite_tuning", batches: "tiny/llama/batches.safetensors")
            .check(Golden.tinyModel("llama"), tolerance: 1e-4)
    }
}
