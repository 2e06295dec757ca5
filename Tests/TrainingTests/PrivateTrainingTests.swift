import DifferentialPrivacy
import TensorEngine
import Testing
import Training

/// DP-SGD: exact clipping, real Poisson sampling, noise that is accounted.
struct PrivateTrainingTests {
    private static let count = 12

    private func trainer(
        _ model: TinyModel,
        examples: [EncodedExample] = TinyModel.examples(count),
        noise: Double = 0.5,
        clip: Double = 0.1,
        rate: Double? = 1,
        optimizer: OptimizerConfiguration = .sgd(),
        lr: Double = 1,
        key: NoiseKey? = try? NoiseKey(simulationSeed: 1),
        clippingNorm: Double? = nil,
        hooks: [any TrainerHook] = []
    ) throws -> Trainer {
        try Trainer(
            parameters: model.parameters,
            examples: examples,
            configuration: TrainerConfiguration(
                batchSize: 3,
                schedule: LearningRateSchedule(peak: lr),
                optimizer: optimizer,
                clippingNorm: clippingNorm,
                privacy: RecordPrivacy(noiseMultiplier: noise, clippingNorm: clip, delta: 1e-3, samplingRate: rate)
            ),
            hooks: hooks,
            noiseKey: key,
            objective: model.loss
        )
    }

    private func values(_ model: TinyModel) -> [Double] {
        model.parameters.flatMap { $0.value.values.map(Double.init) }
    }

    /// The gradient of one record by itself, straight from the tape.
    private func gradient(_ model: TinyModel, _ example: EncodedExample) -> [Double] {
        for parameter in model.parameters { parameter.zeroGradient() }
        let tape = Tape()
        tape.backward(from: model.loss([example], tape, Float(example.labelledTokenCount)))
        return model.parameters.flatMap { parameter in
            parameter.gradient?.values.map(Double.init) ?? [Double](repeating: 0, count: parameter.value.count)
        }
    }

    private func noise(_ model: TinyModel, step: Int, deviation: Double) throws -> [Double] {
        let key = try NoiseKey(simulationSeed: 1)
        return try model.parameters.flatMap { parameter in
            var values: [Double] = []
            let own = try key.derive("step/\(step)/noise/\(parameter.name)")
            try GaussianNoise(own, standardDeviation: deviation).forEach(parameter.value.count) { values.append($1) }
            return values
        }
    }

    private func norm(_ vector: [Double]) -> Double { vector.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    @Test(arguments: [0.05, 0.5, 100]) func aStepIsTheClippedSumWithNoise(clip: Double) throws {
        let examples = TinyModel.examples(Self.count)
        let model = TinyModel()
        let before = values(model)
        var expected = try noise(model, step: 0, deviation: 0.5 * clip)
        var clipped = 0
        for example in examples {
            let gradient = gradient(model, example)
            if norm(gradient) > clip { clipped += 1 }
            let scale = min(1, clip / norm(gradient))
            for index in expected.indices { expected[index] += scale * gradient[index] }
        }
        #expect(clip == 0.05 ? clipped == Self.count : clip == 100 ? clipped == 0 : true)
        let trainer = try trainer(model, clip: clip)
        let report = try trainer.fit(steps: 1)
        #expect(report.examples == Self.count)
        // Its embedding and head are trained: records go one at a time.
        #expect(trainer.clippingObstacle != nil)
        let largest = expected.map(abs).max() ?? 0
        for (index, value) in values(model).enumerated() {
            let step = (before[index] - value) * Double(Self.count)
            #expect(abs(step - expected[index]) < 1e-5 * max(1, largest))
        }
    }

    @Test func oneRecordMovesAStepByAtMostTwoClips() throws {
        let clip = 0.1
        for changed in 0..<Self.count {
            var others = TinyModel.examples(Self.count)
            others[changed] = TinyModel.examples(Self.count, seed: 99)[changed]
            // The same key: the same noise, which cancels in the difference.
            let models = [TinyModel(), TinyModel()]
            try trainer(models[0], clip: clip).fit(steps: 1)
            try trainer(models[1], examples: others, clip: clip).fit(steps: 1)
            let distance = norm(zip(values(models[0]), values(models[1])).map { $0 - $1 })
            #expect(distance > 0)
            #expect(distance <= 2 * clip / Double(Self.count) + 1e-5)
            let loose = [TinyModel(), TinyModel()]
            try trainer(loose[0], noise: 0.01, clip: 100).fit(steps: 1)
            try trainer(loose[1], examples: others, noise: 0.01, clip: 100).fit(steps: 1)
            let unclipped = norm(zip(values(loose[0]), values(loose[1])).map { $0 - $1 })
            #expect(unclipped > 2 * clip / Double(Self.count))
        }
    }

    @Test func whatIsDrawnWithARecordDoesNotChangeItsGradient() throws {
        // Twice the records, each twice: the same sum divided by the same q·n, in float32's precision.
        let examples = TinyModel.examples(Self.count)
        let model = TinyModel()
        let doubled = TinyModel()
        try trainer(model, examples: examples, noise: 0.01, clip: 0.05).fit(steps: 1)
        try trainer(doubled, examples: examples + examples, noise: 0.02, clip: 0.05).fit(steps: 1)
        for (x, y) in zip(values(model), values(doubled)) { #expect(abs(x - y) < 1e-6) }
    }

    @Test func anEmptyBatchIsAStepOfNoiseAlone() throws {
        let model = TinyModel()
        let before = values(model)
        let report = try trainer(model, clip: 0.1, rate: 1e-6).fit(steps: 1)
        #expect(report.examples == 0 && report.losses == [0])
        let noise = try noise(model, step: 0, deviation: 0.05)
        let divisor = 1e-6 * Double(Self.count)
        for (index, value) in values(model).enumerated() {
            #expect(abs((before[index] - value) * divisor - noise[index]) < 1e-5)
        }
    }

    @Test func theDefaultRateIsTheBatchOverTheRecords() throws {
        let report = try trainer(TinyModel(), rate: nil, lr: 1e-4).fit(steps: 600)
        let expected = 600 * 3.0
        #expect(abs(Double(report.examples) - expected) < 4 * (expected * 0.75).squareRoot())
        // (3/4)^12 of the batches are empty: 3.2 %.
        let empty = report.losses.filter { $0 == 0 }.count
        #expect((5...40).contains(empty))
    }

    @Test(arguments: [1, 4]) func laterStepsHaveTheSameBitsInAFreshTrainer(first: Int) throws {
        for optimizer: OptimizerConfiguration in [.sgd(), .adamW()] {
            let whole = TinyModel()
            try trainer(whole, rate: 0.4, optimizer: optimizer, lr: 0.01).fit(steps: 9)
            let halves = TinyModel(seed: 77)
            let begun = try trainer(TinyModel(), rate: 0.4, optimizer: optimizer, lr: 0.01)
            try begun.fit(steps: first)
            let resumed = try trainer(halves, rate: 0.4, optimizer: optimizer, lr: 0.01)
            try resumed.restore(begun.checkpoint())
            try resumed.fit(steps: 9 - first)
            #expect(bits(halves.parameters) == bits(whole.parameters))
        }
        let whole = TinyModel()
        try trainer(whole, rate: 0.4).fit(steps: 9)
        let rounds = TinyModel()
        try trainer(rounds, rate: 0.4).fit(steps: first)
        let next = try trainer(rounds, rate: 0.4)
        next.skip(steps: first)
        try next.fit(steps: 9 - first)
        #expect(bits(rounds.parameters) == bits(whole.parameters))
        let other = TinyModel()
        try trainer(other, rate: 0.4, key: NoiseKey()).fit(steps: 9)
        #expect(bits(other.parameters) != bits(whole.parameters))
    }

    @Test func aCheckpointOfOtherPrivacyIsRefused() throws {
        let saved = try trainer(TinyModel(), noise: 1).checkpoint()
        #expect(throws: TrainingError.self) { try trainer(TinyModel(), noise: 2).restore(saved) }
    }

    @Test func learnsWithLittleNoise() throws {
        let model = TinyModel()
        let report = try trainer(model, noise: 0.01, clip: 1, optimizer: .adamW(), lr: 0.02).fit(steps: 120)
        #expect(try #require(report.losses.last) < 0.7 * report.losses[0])
    }

    @Test func announcesTheTokensItWillSee() throws {
        let trainer = try trainer(TinyModel(), rate: 0.3)
        let announced = try trainer.upcomingTokens(steps: 20)
        #expect(try trainer.fit(steps: 20).tokens == announced)
    }

    @Test func refusesWhatWouldVoidTheGuarantee() throws {
        #expect(throws: TrainingError.self) { try trainer(TinyModel(), key: nil) }
        #expect(throws: TrainingError.self) { try trainer(TinyModel(), clippingNorm: 1) }
        #expect(throws: TrainingError.self) { try trainer(TinyModel(), hooks: [ProximalTerm(strength: 0.1)]) }
        for (noise, clip, rate) in [
            (0.0, 1.0, 0.1), (1, 0, 0.1), (1, .nan, 0.1), (1, 1, 0), (1, 1, 1.5), (.nan, 1, 0.1),
        ] {
            #expect(throws: (any Error).self) { try trainer(TinyModel(), noise: noise, clip: clip, rate: rate) }
        }
    }

    @Test func theGuaranteeIsTheAccountants() throws {
        let privacy = try RecordPrivacy(noiseMultiplier: 1, clippingNorm: 1, delta: 1e-5)
        let guarantee = try privacy.guarantee(batchSize: 10, records: 1000, steps: 1000)
        #expect(guarantee.sampler == "poisson" && guarantee.accountant == "pld" && guarantee.rate == 0.01)
        #expect(abs(guarantee.epsilon - 1.82824) < 5e-3)
        let full = try privacy.guarantee(batchSize: 10, records: 8, steps: 1)
        #expect(full.sampler == "full" && abs(full.epsilon - 4.377178) < 1e-6)
    }
}
