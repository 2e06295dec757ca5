import Foundation
import Progress
import Synchronization
import TensorEngine
import Testing
import Training

@Suite("Trainer")
struct TrainerTests {
    private func configuration(
        batch: Int = 2,
        accumulation: Int = 1,
        clip: Double? = nil,
        seed: UInt64 = 9,
        optimizer: OptimizerConfiguration = .adamW(),
        lr: Double = 0.01
    ) throws -> TrainerConfiguration {
        try TrainerConfiguration(
            batchSize: batch,
            accumulation: accumulation,
            schedule: LearningRateSchedule(peak: lr, warmupSteps: 2),
            optimizer: optimizer,
            clippingNorm: clip,
            seed: seed
        )
    }

    private func trainer(
        _ model: TinyModel,
        _ configuration: TrainerConfiguration,
        examples: [EncodedExample] = TinyModel.examples(7),
        hooks: [any TrainerHook] = [],
        source: ExampleSource = ExampleSource()
    ) throws -> Trainer {
        try Trainer(
            parameters: model.parameters,
            examples: examples,
            source: source,
            configuration: configuration,
            hooks: hooks,
            objective: model.loss
        )
    }

    @Test("training learns, and the same seed gives the same bits")
    func learns() throws {
        let models = [TinyModel(), TinyModel(), TinyModel()]
        var reports: [FitReport] = []
        for (model, seed) in zip(models, [9, 9, 10] as [UInt64]) {
            reports.append(try trainer(model, configuration(seed: seed)).fit(epochs: 20))
        }
        #expect(reports[0] == reports[1])
        #expect(bits(models[0].parameters) == bits(models[1].parameters))
        #expect(bits(models[0].parameters) != bits(models[2].parameters))
        #expect(reports[0].steps == 80)
        let (first, last) = (reports[0].losses[0], reports[0].losses[79])
        #expect(last < 0.7 * first)
    }

    @Test("only the given trainable parameters move")
    func frozen() throws {
        let model = TinyModel()
        model.table.isTrainable = false
        let before = bits([model.table])
        let headBefore = bits([model.head])
        try trainer(model, configuration()).fit(steps: 3)
        #expect(bits([model.table]) == before)
        #expect(model.table.gradient == nil)
        #expect(bits([model.head]) != headBefore)
    }

    @Test("accumulated micro-batches equal the big batch, whatever their token counts")
    func accumulation() throws {
        let big = TinyModel()
        let small = TinyModel()
        let whole = try trainer(big, configuration(batch: 6, optimizer: .sgd())).fit(steps: 4)
        let split = try trainer(small, configuration(batch: 2, accumulation: 3, optimizer: .sgd())).fit(steps: 4)
        for (a, b) in zip(whole.losses, split.losses) { #expect(abs(a - b) < 1e-5) }
        for (a, b) in zip(big.parameters, small.parameters) {
            for (x, y) in zip(a.value.values, b.value.values) { #expect(abs(x - y) < 1e-5) }
        }
    }

    @Test("interrupted, saved in memory and resumed: the same bits as without", arguments: [1, 3, 5, 8])
    func resume(interruption: Int) throws {
        for optimizer: OptimizerConfiguration in [.adamW(), .sgd(momentum: 0.9)] {
            let settings = try configuration(accumulation: 2, clip: 0.5, optimizer: optimizer)
            let straight = TinyModel()
            let noiseA = NoiseHook()
            let expected = try trainer(straight, settings, hooks: [noiseA]).fit(steps: 10)
            let stopped = TinyModel()
            let begun = try trainer(stopped, settings, hooks: [NoiseHook()])
            let head = try begun.fit(steps: interruption)
            let saved = begun.checkpoint()
            try begun.fit(steps: 1)
            let fresh = TinyModel(seed: 77)
            let resumed = try trainer(fresh, settings, hooks: [NoiseHook()])
            try resumed.restore(saved)
            #expect(resumed.step == interruption)
            let tail = try resumed.fit(steps: 10 - interruption)
            #expect(head.losses + tail.losses == expected.losses)
            #expect(bits(fresh.parameters) == bits(straight.parameters))
        }
    }

    @Test("a checkpoint of other settings, data or parameters is refused and changes nothing")
    func foreignCheckpoint() throws {
        let model = TinyModel()
        let saved = try trainer(model, configuration()).checkpoint()
        let before = bits(model.parameters)
        let smaller = TinyModel(width: 8)
        let others = [
            try trainer(model, configuration(seed: 10)),
            try trainer(model, configuration(), examples: TinyModel.examples(7, seed: 6)),
            try trainer(smaller, configuration()),
        ]
        for other in others { #expect(throws: TrainingError.self) { try other.restore(saved) } }
        #expect(bits(model.parameters) == before)
    }

    @Test("saved to disk and restored: the same bits; damage is refused in one sentence")
    func checkpointFiles() throws {
        let directory = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for optimizer: OptimizerConfiguration in [.adamW(), .sgd(momentum: 0.9), .sgd()] {
            let settings = try configuration(clip: 0.5, optimizer: optimizer)
            let straight = TinyModel()
            try trainer(straight, settings, hooks: [NoiseHook()]).fit(steps: 9)
            let begun = try trainer(TinyModel(), settings, hooks: [NoiseHook()])
            try begun.fit(steps: 2)
            try begun.checkpoint().save(to: directory)
            try begun.fit(steps: 3)
            try begun.checkpoint().save(to: directory)
            try begun.checkpoint().save(to: directory)
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 2)
            let fresh = TinyModel(seed: 77)
            let resumed = try trainer(fresh, settings, hooks: [NoiseHook()])
            try resumed.restore(try TrainerCheckpoint.load(from: directory), path: directory)
            #expect(resumed.step == 5)
            try resumed.fit(steps: 4)
            #expect(bits(fresh.parameters) == bits(straight.parameters))
        }
        let state = "\(directory)/trainer.json"
        let whole = try Data(contentsOf: URL(fileURLWithPath: state))
        for damaged in [
            whole.prefix(whole.count / 2),
            Data(String(decoding: whole, as: UTF8.self).replacing("\"position\" : ", with: "\"position\" : 99").utf8),
            Data(String(decoding: whole, as: UTF8.self).replacing("\"trainer-", with: "\"../trainer-").utf8),
            Data(String(decoding: whole, as: UTF8.self).replacing("\"version\" : 1", with: "\"version\" : 2").utf8),
        ] {
            try damaged.write(to: URL(fileURLWithPath: state))
            #expect(throws: TrainingError.self) { try TrainerCheckpoint.load(from: directory) }
        }
        #expect(throws: TrainingError.self) { try TrainerCheckpoint.load(from: directory + "-none") }
    }

    @Test("hooks are called at the eight points, in order, micro-batches inside")
    func hookOrder() throws {
        let log = LogHook()
        try trainer(
            TinyModel(),
            configuration(batch: 2, accumulation: 2),
            examples: TinyModel.examples(5),
            hooks: [log]
        ).fit(steps: 3)
        let full = ["batchStart", "forward0/2", "backward0/2", "forward1/2", "backward1/2", "batchEnd"]
        let short = ["batchStart", "forward0/1", "backward0/1", "batchEnd"]
        #expect(
            log.calls == ["fitStart", "epochStart0"] + full + short + ["epochEnd0", "epochStart1"] + full
                + ["epochEnd1", "fitEnd"]
        )
    }

    @Test("the proximal term adds μ/2 ‖w − w₀‖² and its gradient")
    func proximal() throws {
        let plain = TinyModel()
        let held = TinyModel()
        let start = held.parameters.map { $0.value.values }
        let settings = try configuration(batch: 7, optimizer: .sgd())
        let free = try trainer(plain, settings).fit(steps: 20)
        let pulled = try trainer(held, settings, hooks: [ProximalTerm(strength: 50)]).fit(steps: 20)
        func distance(_ model: TinyModel) -> Float {
            zip(model.parameters, start).reduce(0) { sum, pair in
                sum + zip(pair.0.value.values, pair.1).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            }
        }
        // At the first step w = w₀, so the term is zero; after it the gradient pulls back.
        #expect(free.losses[0] == pulled.losses[0])
        #expect(distance(held) < 0.5 * distance(plain))
        #expect(distance(held) > 0)
        #expect(throws: TrainingError.self) { try ProximalTerm(strength: -1) }
    }

    @Test("a NaN loss stops before any change and names the record")
    func notFinite() throws {
        let model = TinyModel()
        var examples = TinyModel.examples(6)
        examples[4].ids[1] = 20
        for index in examples.indices where index != 4 {
            examples[index].ids = examples[index].ids.map { $0 == 20 ? 19 : $0 }
            examples[index].labels = examples[index].labels.map { $0 == 20 ? 19 : $0 }
        }
        // The row of token 20 is poisoned; only record 4 reads it.
        var table = model.table.value.values
        for column in 0..<16 { table[20 * 16 + column] = .nan }
        model.table.value.values = table
        let before = bits(model.parameters)
        let source = ExampleSource(path: "letters.jsonl", lines: [1, 2, 3, 5, 8, 9])
        let failing = try trainer(model, configuration(batch: 6), examples: examples, source: source)
        #expect(
            throws: TrainingError.notFinite(
                quantity: "loss",
                step: 0,
                records: ["line 8"],
                path: "letters.jsonl"
            )
        ) { try failing.fit(steps: 1) }
        #expect(bits(model.parameters) == before)
        #expect(failing.step == 0)
    }

    @Test("a gradient that overflows stops too")
    func infiniteGradient() throws {
        let model = TinyModel()
        let failing = try trainer(model, configuration(), hooks: [OverflowHook()])
        let before = bits(model.parameters)
        let error = #expect(throws: TrainingError.self) { try failing.fit(steps: 1) }
        #expect(try #require(error).description.contains("gradient norm is not finite at step 1"))
        #expect(bits(model.parameters) == before)
    }

    @Test("cancelling ends between steps; going on equals never having stopped")
    func cancellation() throws {
        let straight = TinyModel()
        try trainer(straight, configuration()).fit(steps: 6)
        let model = TinyModel()
        let stopping = try trainer(model, configuration())
        var asked = 0
        let report = try stopping.fit(
            steps: 6,
            isCancelled: {
                asked += 1
                return asked > 2
            }
        )
        #expect(report.wasCancelled && report.steps == 2)
        try stopping.fit(steps: 4)
        #expect(bits(model.parameters) == bits(straight.parameters))
    }

    @Test("progress counts tokens up to an exact total")
    func progress() throws {
        let events = Mutex<[(Int, Int?)]>([])
        let report = try trainer(TinyModel(), configuration()).fit(epochs: 2) { event in
            events.withLock { $0.append((event.completed, event.total)) }
        }
        let seen = events.withLock { $0 }
        #expect(seen.count == report.steps + 1)
        #expect(seen.first?.0 == 0)
        #expect(seen.last?.0 == report.tokens)
        #expect(seen.allSatisfy { $0.1 == report.tokens })
        #expect(report.tokens == 2 * TinyModel.examples(7).reduce(0) { $0 + $1.ids.count })
    }

    @Test("each epoch is a permutation, and a saved order goes on alike")
    func dataOrder() throws {
        var order = DataOrder(count: 10, generator: SeededGenerator(seed: 1))
        var epochs: [[Int]] = []
        for _ in 0..<3 { epochs.append(order.next(4) + order.next(4) + order.next(4)) }
        for epoch in epochs { #expect(epoch.sorted() == Array(0..<10)) }
        #expect(Set(epochs).count == 3)
        _ = order.next(4)
        let data = try JSONEncoder().encode(order)
        var restored = try JSONDecoder().decode(DataOrder.self, from: data)
        #expect(restored == order)
        #expect(restored.next(4) == order.next(4))
    }

    @Test("nothing to train, nothing to train on, nothing to learn")
    func refusals() throws {
        let model = TinyModel()
        #expect(throws: TrainingError.self) { try trainer(model, configuration(), examples: []) }
        var empty = TinyModel.examples(2)
        empty[1].labels = empty[1].labels.map { _ in EncodedExample.ignoredLabel }
        #expect(throws: TrainingError.self) { try trainer(model, configuration(), examples: empty) }
        for parameter in model.parameters { parameter.isTrainable = false }
        #expect(throws: TrainingError.self) { try trainer(model, configuration()) }
        #expect(throws: TrainingError.self) { try configuration(batch: 0) }
        #expect(throws: TrainingError.self) { try configuration(accumulation: 0) }
        #expect(throws: TrainingError.self) { try configuration(clip: 0) }
    }

    @Test("perplexity: ratio of sums, and a standard error that shrinks with records")
    func perplexity() throws {
        let even = RecordPerplexity(sums: [2, 4, 6], tokens: [1, 2, 3])
        #expect(even.loss == 2 && even.lossError == 0)
        #expect(abs(even.perplexity - exp(2)) < 1e-12)
        // Equal lengths: the classical standard error of a mean, sd/√n = 1/√3.
        let spread = RecordPerplexity(sums: [1, 2, 3], tokens: [1, 1, 1])
        #expect(abs(spread.lossError - 1 / 3.0.squareRoot()) < 1e-12)
        let model = TinyModel()
        let examples = TinyModel.examples(5)
        let measured = try RecordPerplexity.measure(on: examples, objective: model.loss)
        let all = model.loss(
            examples,
            Tape(isRecording: false),
            Float(examples.reduce(0) { $0 + $1.labelledTokenCount })
        )
        #expect(abs(measured.loss - Double(all.values[0])) < 1e-5)
        #expect(measured.records == 5)
    }
}

/// Adds seeded noise: shows that the hooks' randomness is part of a checkpoint.
private final class NoiseHook: TrainerHook {
    func onBatchBackward(_ context: TrainerContext) {
        for parameter in context.parameters {
            guard let gradient = parameter.gradient else { continue }
            gradient.values = gradient.values.map { $0 + Float(context.generator.normal()) * 0.01 }
        }
    }
}

private final class OverflowHook: TrainerHook {
    func onBatchBackward(_ context: TrainerContext) {
        context.parameters[0].gradient?.values[0] = .infinity
    }
}

private final class LogHook: TrainerHook {
    var calls: [String] = []
    private func micro(_ context: TrainerContext) -> String { "\(context.microBatch)/\(context.microBatchCount)" }
    func onFitStart(_ context: TrainerContext) { calls.append("fitStart") }
    func onEpochStart(_ context: TrainerContext) { calls.append("epochStart\(context.epoch)") }
    func onBatchStart(_ context: TrainerContext) { calls.append("batchStart") }
    func onBatchForward(_ context: TrainerContext) { calls.append("forward\(micro(context))") }
    func onBatchBackward(_ context: TrainerContext) { calls.append("backward\(micro(context))") }
    func onBatchEnd(_ context: TrainerContext) { calls.append("batchEnd") }
    func onEpochEnd(_ context: TrainerContext) { calls.append("epochEnd\(context.epoch)") }
    func onFitEnd(_ context: TrainerContext) { calls.append("fitEnd") }
}
