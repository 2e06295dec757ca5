import Foundation
import TensorEngine
import Testing
import Training

@Suite("Optimizers and schedules")
struct OptimizerTests {
    /// A parameter with gradient `g`, by way of the head of a one-row cross-entropy.
    private func parameter(_ values: [Float], gradient: [Float]) -> Parameter {
        let parameter = Parameter(
            name: "w",
            value: Tensor(shape: [values.count], values: values),
            isTrainable: true
        )
        set(parameter, gradient)
        return parameter
    }

    private func set(_ parameter: Parameter, _ gradient: [Float]) {
        // rmsNorm over a row of equal entries passes its input as the weight's gradient: x / rms(x) = 1.
        let tape = Tape()
        if parameter.gradient == nil {
            let ones = Tensor(shape: [1, gradient.count], values: [Float](repeating: 1, count: gradient.count))
            let out = tape.rmsNorm(ones, weight: parameter, epsilon: 1e-12)
            let loss = tape.normalizedSquaredError(
                out,
                teacher: Tensor.zeros([1, gradient.count]),
                normalization: .perToken,
                rowMask: nil
            )
            tape.backward(from: loss)
        }
        parameter.gradient?.values = gradient
    }

    @Test("AdamW follows its definition in float64 over several steps")
    func adamW() throws {
        let gradients: [[Float]] = [[0.5, -2, 1e-4], [0.1, 3, 0], [-0.7, 0.2, 2]]
        let start: [Float] = [1, -0.5, 0.25]
        let p = parameter(start, gradient: gradients[0])
        let optimizer = AdamW(weightDecay: 0.1)
        var w = start.map(Double.init)
        var m = [0.0, 0, 0]
        var v = [0.0, 0, 0]
        for (index, g) in gradients.enumerated() {
            set(p, g)
            optimizer.step([p], learningRate: 0.01)
            let t = Double(index + 1)
            for i in 0..<3 {
                w[i] *= 1 - 0.01 * 0.1
                m[i] = 0.9 * m[i] + 0.1 * Double(g[i])
                v[i] = 0.999 * v[i] + 0.001 * Double(g[i]) * Double(g[i])
                w[i] -= 0.01 * (m[i] / (1 - pow(0.9, t))) / ((v[i] / (1 - pow(0.999, t))).squareRoot() + 1e-8)
            }
        }
        for (got, want) in zip(p.value.values, w) { #expect(abs(Double(got) - want) < 1e-6) }
    }

    @Test("SGD with momentum and weight decay follows its definition; the scale is applied to the gradient first")
    func sgd() throws {
        let p = parameter([1, -1], gradient: [1, 1])
        let optimizer = SGD(momentum: 0.9, weightDecay: 0.5)
        var w = [1.0, -1.0]
        var velocity = [0.0, 0.0]
        for step in 0..<3 {
            set(p, [2, Float(step)])
            optimizer.step([p], learningRate: 0.1, gradientScale: 0.5)
            for i in 0..<2 {
                let g = 0.5 * [2.0, Double(step)][i] + 0.5 * w[i]
                velocity[i] = step == 0 ? g : 0.9 * velocity[i] + g
                w[i] -= 0.1 * velocity[i]
            }
        }
        for (got, want) in zip(p.value.values, w) { #expect(abs(Double(got) - want) < 1e-6) }
    }

    @Test(
        "a restored state goes on to the same bits",
        arguments: [OptimizerConfiguration.adamW(), .sgd(momentum: 0.9, weightDecay: 0.1), .sgd()]
    )
    func stateRoundTrip(configuration: OptimizerConfiguration) throws {
        let p = parameter([1, -0.5, 0.25], gradient: [0.3, -0.2, 5])
        let first = try configuration.make()
        for _ in 0..<3 { first.step([p], learningRate: 0.1, gradientScale: 1) }
        let saved = p.value.values
        let state = first.state()
        for _ in 0..<3 { first.step([p], learningRate: 0.1, gradientScale: 1) }
        let expected = bits([p])
        p.value.values = saved
        let second = try configuration.make()
        try second.restore(state, for: [p])
        for _ in 0..<3 { second.step([p], learningRate: 0.1, gradientScale: 1) }
        #expect(bits([p]) == expected)
        let stranger = Parameter(name: "other", value: Tensor.zeros([3]), isTrainable: true)
        #expect(throws: TrainingError.self) { try second.restore(state, for: [stranger]) }
        let otherRule: OptimizerConfiguration = configuration == .adamW() ? .sgd() : .adamW()
        #expect(throws: TrainingError.self) { try otherRule.make().restore(state, for: [p]) }
    }

    @Test("settings out of range are refused")
    func settings() {
        for bad: OptimizerConfiguration in [
            .adamW(beta1: 1), .adamW(beta2: -0.1), .adamW(epsilon: 0), .adamW(weightDecay: -1), .sgd(momentum: 1),
            .sgd(weightDecay: .nan),
        ] {
            #expect(throws: TrainingError.self) { try bad.make() }
        }
        #expect(throws: TrainingError.self) { try LearningRateSchedule(peak: 0) }
        #expect(throws: TrainingError.self) { try LearningRateSchedule(peak: .infinity) }
        #expect(throws: TrainingError.self) {
            try LearningRateSchedule(.linear, peak: 1, warmupSteps: 5, totalSteps: 5)
        }
    }

    @Test("schedules warm up, hold or decay, and end at zero")
    func schedules() throws {
        let constant = try LearningRateSchedule(peak: 2, warmupSteps: 4)
        #expect((0..<6).map(constant.rate) == [0.5, 1, 1.5, 2, 2, 2])
        let linear = try LearningRateSchedule(.linear, peak: 2, warmupSteps: 2, totalSteps: 6)
        #expect((0..<8).map(linear.rate) == [1, 2, 2, 1.5, 1, 0.5, 0, 0])
        let cosine = try LearningRateSchedule(.cosine, peak: 2, totalSteps: 4)
        for (got, want) in zip((0..<5).map(cosine.rate), [2, 1 + 0.5.squareRoot(), 1, 1 - 0.5.squareRoot(), 0]) {
            #expect(abs(got - want) < 1e-12)
        }
    }

    @Test("clipping scales to the norm, leaves small gradients alone, and sums in float64")
    func clipping() {
        let p = parameter([0, 0], gradient: [3, 4])
        #expect(GradientNorm.global([p]) == 5)
        #expect(abs(GradientNorm.clippingScale(norm: 5, maximum: 1) - 0.2) < 1e-6)
        #expect(GradientNorm.clippingScale(norm: 0.5, maximum: 1) == 1)
        #expect(GradientNorm.clippingScale(norm: 5, maximum: nil) == 1)
        set(p, [3e20, 4e20])
        #expect(abs(GradientNorm.global([p]) / 5e20 - 1) < 1e-6)
        set(p, [.nan, 0])
        #expect(GradientNorm.global([p]).isNaN)
    }
}
