import DifferentialPrivacy
import TensorEngine

/// The coins, sums and noise of DP-SGD: everything of a step follows from the key and the step's number.
final class PrivateSteps {
    let privacy: RecordPrivacy
    let rate: Double
    /// q·n: what the sum is divided by. The size of the drawn batch would tell of the records.
    let divisor: Double
    /// Steps that were taken elsewhere before this trainer's first.
    var skipped = 0
    /// Why records cannot go through the model together; nil: they can, as far as is known.
    var obstacle: String?

    private let records: Int
    private let key: NoiseKey
    private var sums: [Tensor] = []

    /// - Throws: `TrainingError.badSetting`.
    init(
        _ privacy: RecordPrivacy,
        configuration: TrainerConfiguration,
        records: Int,
        hooks: Int,
        noiseKey: NoiseKey?
    ) throws {
        guard let noiseKey else {
            throw TrainingError.badSetting(name: "of private training", reason: "lacks its noise key; give one")
        }
        // What a hook adds to a gradient was clipped by nobody.
        guard hooks == 0 else {
            throw TrainingError.badSetting(
                name: "of private training",
                reason: "does not go with hooks; leave out one of the two"
            )
        }
        guard configuration.clippingNorm == nil else {
            throw TrainingError.badSetting(
                name: "the clipping norm",
                reason: "does not go with private training; each record's gradient is clipped already"
            )
        }
        self.privacy = privacy
        self.records = records
        key = noiseKey
        rate = privacy.rate(batchSize: configuration.batchSize, records: records)
        divisor = rate * Double(records)
    }

    /// Which examples step `step` of this trainer draws.
    func batch(at step: Int) throws -> [Int] {
        try PoissonSample.draw(from: records, rate: rate, key: key(of: step, "sample"))
    }

    /// Begins a step: the sums are zero.
    func begin(_ parameters: [Parameter]) {
        if sums.isEmpty { sums = parameters.map { .zeros($0.value.shape, isLongLived: true) } }
        for sum in sums { sum.withUnsafeMutableBufferPointer { $0.update(repeating: 0) } }
    }

    /// Rows that go through the model at once: enough for the products to be nearly as fast as they get, and a bound on
    /// memory however many records a step draws.
    private static let rows = 512

    /// Cuts a draw into groups of at most so many rows, or of one record that is longer.
    static func groups(of batch: [EncodedExample]) -> [[EncodedExample]] {
        var groups: [[EncodedExample]] = []
        var taken = 0
        for example in batch {
            if groups.isEmpty || taken + example.ids.count > rows {
                groups.append([])
                taken = 0
            }
            groups[groups.count - 1].append(example)
            taken += example.ids.count
        }
        return groups
    }

    /// Adds one record's gradient, scaled down to norm C where it is longer.
    func add(_ parameters: [Parameter], norm: Double) {
        let scale = scale(norm: norm)
        for (parameter, sum) in zip(parameters, sums) {
            if let gradient = parameter.gradient { Elementwise.axpy(scale, gradient, into: sum) }
        }
    }

    /// Adds the gradients of a group of records, each scaled down to norm C where it may be longer: by the bound on its norm,
    /// so that no rounding of the norm lets a longer one pass.
    func add(_ gradients: PerExampleGradients, norms: [ExampleNorm]) {
        gradients.add(weights: norms.map { scale(norm: $0.bound) }, into: sums)
    }

    /// Rounded down: the scaled gradient may not be longer than C by a last bit.
    private func scale(norm: Double) -> Float {
        norm <= privacy.clippingNorm ? 1 : Float(privacy.clippingNorm / norm).nextDown
    }

    /// Makes the noised sum, divided by q·n, the parameters' gradient.
    func finish(_ parameters: [Parameter], step: Int) throws {
        for (parameter, sum) in zip(parameters, sums) {
            let gradient = parameter.gradientBuffer()
            let noise = GaussianNoise(
                try key(of: step, "noise/" + parameter.name),
                standardDeviation: privacy.noiseMultiplier * privacy.clippingNorm
            )
            try sum.withUnsafeMutableBufferPointer { sum in
                try gradient.withUnsafeMutableBufferPointer { gradient in
                    try noise.forEach(gradient.count) { index, noise in
                        gradient[index] = Float((Double(sum[index]) + noise) / divisor)
                    }
                }
            }
        }
    }

    private func key(of step: Int, _ purpose: String) throws -> NoiseKey {
        try key.derive("step/\(skipped + step)/\(purpose)")
    }
}
