import Checkpoints
import Foundation
import LanguageModels
import TensorEngine
import Testing
import Training

/// PyTorch's own figures (torch 2.13, transformers 5.23): five AdamW steps on every parameter of tiny models.
@Suite("Golden curves")
struct GoldenCurveTests {
    private static let root =
        ProcessInfo.processInfo.environment["FSOT_GOLDEN"]
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/golden").path

    private static let configuration = TrainerConfiguration.golden

    private func model(_ name: String) throws -> LanguageModel {
        let directory = "\(Self.root)/tiny/\(name)/model"
        let model = try LanguageModel.load(
            SafetensorsFile(path: directory + "/model.safetensors"),
            configuration: ModelConfiguration(json: JSONValue.read(directory + "/config.json")),
            path: directory
        )
        for parameter in model.parameters { parameter.isTrainable = true }
        return model
    }

    /// The sequences of batch `number`, without their padding.
    private func batch(_ name: String, _ number: Int) throws -> [EncodedExample] {
        let file = try SafetensorsFile(path: "\(Self.root)/tiny/\(name)/batches.safetensors")
        let ids = try file.integers("input_ids.\(number)")
        let labels = try file.integers("labels.\(number)")
        let mask = try file.integers("attention_mask.\(number)")
        let shape = try file.info("input_ids.\(number)").shape
        return (0..<shape[0]).map { row in
            let start = row * shape[1]
            let length = mask[start..<(start + shape[1])].count { $0 == 1 }
            return EncodedExample(
                ids: Array(ids[start..<(start + length)]),
                labels: Array(labels[start..<(start + length)]),
                recordIndex: 2 * number + row
            )
        }
    }

    /// Puts examples where the trainer's shuffling will draw them in their own order.
    private func laidOut(_ examples: [EncodedExample], seed: UInt64) -> [EncodedExample] {
        var order = DataOrder(count: examples.count, generator: SeededGenerator(seed: seed))
        var result = examples
        for (example, place) in zip(examples, order.next(examples.count)) { result[place] = example }
        return result
    }

    @Test("five AdamW steps follow PyTorch's losses and gradient norms", arguments: ["llama", "qwen2", "gpt2", "opt"])
    func curve(name: String) throws {
        let golden = try JSONValue.read("\(Self.root)/tiny/\(name)/golden.json")
        let losses = try #require(golden["losses"]?.array).compactMap(\.double)
        let norms = try #require(golden["grad_norms"]?.array).compactMap(\.double)
        try #require(losses.count == 5 && norms.count == 5)
        let model = try model(name)
        let settings = try #require(Self.configuration)
        let examples = laidOut(try (0..<5).flatMap { try batch(name, $0) }, seed: settings.seed)
        let report = try Trainer(model: model, examples: examples, configuration: settings).fit(steps: 5)
        for step in 0..<5 {
            #expect(abs(report.losses[step] - losses[step]) < 1e-4)
            #expect(abs(report.gradientNorms[step] / norms[step] - 1) < 1e-4)
        }
        let after = try RecordPerplexity.measure(model, on: batch(name, 0))
        #expect(abs(after.loss - (try #require(golden["loss_batch0_after"]?.double))) < 1e-4)
    }

    @Test("a tiny llama, interrupted on disk, goes on to the same bits")
    func resume() throws {
        let settings = try #require(Self.configuration)
        let examples = try (0..<5).flatMap { try batch("llama", $0) }
        let straight = try model("llama")
        try Trainer(model: straight, examples: examples, configuration: settings).fit(steps: 7)
        let stopped = try Trainer(model: model("llama"), examples: examples, configuration: settings)
        try stopped.fit(steps: 3)
        let directory = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try stopped.checkpoint().save(to: directory)
        let fresh = try model("llama")
        let resumed = try Trainer(model: fresh, examples: examples, configuration: settings)
        try resumed.restore(try TrainerCheckpoint.load(from: directory), path: directory)
        try resumed.fit(steps: 4)
        #expect(bits(fresh.parameters) == bits(straight.parameters))
    }

    @Test("accumulation on a tiny llama equals the big batch")
    func accumulation() throws {
        let examples = try (0..<3).flatMap { try batch("llama", $0) }
        let big = try model("llama")
        let small = try model("llama")
        let schedule = try LearningRateSchedule(peak: 0.1)
        try Trainer(
            model: big,
            examples: examples,
            configuration: TrainerConfiguration(batchSize: 6, schedule: schedule, optimizer: .sgd())
        ).fit(steps: 3)
        try Trainer(
            model: small,
            examples: examples,
            configuration: TrainerConfiguration(batchSize: 1, accumulation: 6, schedule: schedule, optimizer: .sgd())
        ).fit(steps: 3)
        for (a, b) in zip(big.parameters, small.parameters) {
            for (x, y) in zip(a.value.values, b.value.values) { #expect(abs(x - y) < 2e-5) }
        }
    }

    @Test("an example that the model cannot take is refused before training")
    func refusals() throws {
        let model = try model("llama")
        let settings = try #require(Self.configuration)
        let stranger = EncodedExample(ids: [1, 100_000], labels: [1, 100_000], recordIndex: 0)
        #expect(throws: LanguageModelError.self) {
            try Trainer(model: model, examples: [stranger], configuration: settings)
        }
    }

    @Test("the footprint counts what is trained and from where activations are kept")
    func footprint() throws {
        let model = try model("llama")
        #expect(ModelFootprint(model).blocksKept == model.blocks.count)
        for parameter in model.parameters { parameter.isTrainable = false }
        #expect(ModelFootprint(model).trainable == 0 && ModelFootprint(model).blocksKept == 0)
        for parameter in model.blocks[2].parameters { parameter.isTrainable = true }
        let footprint = ModelFootprint(model)
        #expect(footprint.blocksKept == model.blocks.count - 2)
        #expect(footprint.trainable == model.blocks[2].parameters.reduce(0) { $0 + $1.value.count })
        #expect(footprint.parameters == model.parameterCount)
    }
}

extension TrainerConfiguration {
    /// AdamW, rate 1e-3, decay 0.01, two sequences a step: what golden.json was made with.
    fileprivate static let golden = try? TrainerConfiguration(
        batchSize: 2,
        schedule: LearningRateSchedule(peak: 1e-3),
        seed: 4
    )
}
