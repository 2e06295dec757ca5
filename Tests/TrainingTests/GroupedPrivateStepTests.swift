import DifferentialPrivacy
import LanguageModels
import TensorEngine
import TestSupport
import Testing
import Training

/// DP-SGD with records in groups: the same step as with each record by itself.
@Suite(.serialized) struct GroupedPrivateStepTests {
    private func trainer(
        _ model: LanguageModel,
        _ parameters: [Parameter],
        _ examples: [EncodedExample],
        clip: Double,
        noise: Double = 0.01
    ) throws -> Trainer {
        try Trainer(
            model: model,
            parameters: parameters,
            examples: examples,
            configuration: TrainerConfiguration(
                batchSize: 4,
                schedule: LearningRateSchedule(peak: 1),
                optimizer: .sgd(),
                privacy: RecordPrivacy(noiseMultiplier: noise, clippingNorm: clip, delta: 1e-3, samplingRate: 1)
            ),
            noiseKey: NoiseKey(simulationSeed: 1)
        )
    }

    /// (before − after) · n of one step of rate 1: the noised sum.
    private func noisedSum(
        _ adapter: ExampleAdapter,
        _ examples: [EncodedExample],
        clip: Double,
        noise: Double = 0.01
    ) throws -> [Float] {
        let (model, parameters) = try adapter.make()
        let before = parameters.map(\.value.values)
        let trainer = try trainer(model, parameters, examples, clip: clip, noise: noise)
        let report = try trainer.fit(steps: 1)
        #expect(trainer.clippingObstacle == nil && report.examples == examples.count)
        #expect(report.tokens == examples.reduce(0) { $0 + $1.ids.count })
        return zip(before, parameters).flatMap { old, parameter in
            zip(old, parameter.value.values).map { ($0 - $1) * Float(examples.count) }
        }
    }

    private func noise(_ parameters: [Parameter], deviation: Double) throws -> [Float] {
        let key = try NoiseKey(simulationSeed: 1)
        return try parameters.flatMap { parameter in
            var values: [Float] = []
            let own = try key.derive("step/0/noise/\(parameter.name)")
            try GaussianNoise(own, standardDeviation: deviation).forEach(parameter.value.count) {
                values.append(Float($1))
            }
            return values
        }
    }

    @Test(arguments: ExampleAdapter.all) func aStepIsThatOfRecordsByThemselves(_ adapter: ExampleAdapter) throws {
        let (model, parameters) = try adapter.make()
        // 1400 rows: more than one group.
        let examples = ExampleAdapter.examples((0..<40).map { 5 + $0 * 7 % 61 }, prompt: 2)
        let own = examples.map { ExampleAdapter.gradient(model, parameters, $0).flatMap { $0 } }
        let clip = own.map { norm($0) }.sorted()[20]
        var expected = try noise(parameters, deviation: 0.01 * clip)
        for gradient in own {
            let scale = Float(min(1, clip / norm(gradient)))
            for index in expected.indices { expected[index] += scale * gradient[index] }
        }
        let found = try noisedSum(adapter, examples, clip: clip)
        #expect(relativeError(found, expected) < (adapter.precision == .float32 ? 1e-4 : 1e-3))
    }

    @Test(arguments: ExampleAdapter.all) func oneRecordMoreMovesTheSumByOneClip(_ adapter: ExampleAdapter) throws {
        let examples = ExampleAdapter.examples([20, 11, 35, 8, 50])
        // Far below any gradient's norm: the additional record is clipped to C, and so is everything else.
        let clip = 0.01
        let without = try noisedSum(adapter, Array(examples.dropLast()), clip: clip)
        let with = try noisedSum(adapter, examples, clip: clip)
        let difference = norm(zip(with, without).map { $0 - $1 })
        // Weights near 1 hold the step to 6e-8 only.
        let rounding = 5e-7 * 5 * Double(with.count).squareRoot()
        #expect(difference < clip + rounding)
        #expect(difference > 0.99 * clip - rounding)
    }

    @Test(arguments: ExampleAdapter.all.filter { $0.architecture == "llama" || $0.architecture == "gpt2" })
    func bitsDoNotDependOnTheThreadCount(_ adapter: ExampleAdapter) throws {
        let before = Threads.count
        defer { Threads.count = before }
        let examples = ExampleAdapter.examples((0..<30).map { 5 + $0 * 7 % 61 })
        var bits: [[UInt32]] = []
        for threads in 1...3 {
            Threads.count = threads
            let (model, parameters) = try adapter.make()
            let report = try trainer(model, parameters, examples, clip: 0.5).fit(steps: 2)
            bits.append(
                parameters.flatMap { $0.value.values.map(\.bitPattern) } + report.losses.map { Float($0).bitPattern }
            )
        }
        #expect(bits[0] == bits[1] && bits[0] == bits[2])
    }

    @Test(arguments: [false, true]) func memoryDoesNotGrowWithTheDraw(isLoRA: Bool) throws {
        let adapter = ExampleAdapter(architecture: "llama", isLoRA: isLoRA)
        func peak(_ count: Int) throws -> Int {
            let pool = BufferPool()
            try BufferPool.$current.withValue(pool) {
                let (model, parameters) = try adapter.make()
                let examples = ExampleAdapter.examples([Int](repeating: 64, count: count))
                try trainer(model, parameters, examples, clip: 0.5).fit(steps: 1)
            }
            return pool.usage.peakBytes
        }
        let few = try peak(16)
        #expect(try peak(4) < few)
        #expect(try Double(peak(160)) < 1.02 * Double(few))
    }

    @Test func aGroupThatIsNotFiniteChangesNothing() throws {
        let (model, parameters) = try ExampleAdapter(architecture: "llama", isLoRA: false).make()
        let examples = ExampleAdapter.examples([9, 12, 7])
        let table = model.tokenEmbedding.value
        table.withUnsafeMutableBufferPointer { $0[255 * table.columns] = .nan }
        let before = parameters.map(\.value.values)
        // The head is tied to the table, so every record's logits hold the NaN.
        let error = #expect(throws: TrainingError.self) {
            try trainer(model, parameters, examples, clip: 1).fit(steps: 1)
        }
        guard case .notFinite(_, let step, let records, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(step == 0)
        #expect(records == ["record 1", "record 2", "record 3"])
        #expect(parameters.map(\.value.values) == before)
    }
}
