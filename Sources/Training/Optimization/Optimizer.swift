import TensorEngine

/// An update rule with its moments. Parameters are known by name; one without a gradient is passed over, as in PyTorch.
public protocol Optimizer: AnyObject {
    /// Updates every parameter that has a gradient.
    ///
    /// - Parameters:
    ///   - learningRate: of this step.
    ///   - gradientScale: multiplies every gradient first; clipping by global norm needs no pass of its own then.
    func step(_ parameters: [Parameter], learningRate: Double, gradientScale: Float)

    /// A copy of everything a later run needs to go on to the same bits.
    func state() -> OptimizerState

    /// Takes up a saved state.
    ///
    /// - Throws: `TrainingError.checkpointMismatch` when it is another rule's, or does not fit these parameters.
    func restore(_ state: OptimizerState, for parameters: [Parameter]) throws
}

/// The moments of an optimizer, by parameter name.
public struct OptimizerState {
    /// ``OptimizerConfiguration``'s name of the rule.
    public var rule: String
    /// Steps taken by each parameter; PyTorch counts them one by one too.
    public var steps: [String: Int]
    /// `moment name → parameter name → values`; moment names as in PyTorch (`exp_avg`, `exp_avg_sq`,
    /// `momentum_buffer`).
    public var moments: [String: [String: Tensor]]

    /// Makes a state.
    public init(rule: String, steps: [String: Int], moments: [String: [String: Tensor]]) {
        self.rule = rule
        self.steps = steps
        self.moments = moments
    }

    /// Checks that the state belongs to `rule` and that each moment has its parameter's shape.
    func validate(rule expected: String, moments names: [String], for parameters: [Parameter]) throws {
        func mismatch(_ reason: String) -> TrainingError {
            .checkpointMismatch(path: "optimizer state", reason: reason)
        }
        guard rule == expected else { throw mismatch("it was made by \(rule), not \(expected)") }
        let shapes = Dictionary(parameters.map { ($0.name, $0.value.shape) }, uniquingKeysWith: { first, _ in first })
        for name in steps.keys where shapes[name] == nil { throw mismatch("\(name) is not trained here") }
        for moment in names {
            for name in steps.keys.sorted() {
                guard let tensor = moments[moment]?[name] else { throw mismatch("\(moment) of \(name) is missing") }
                guard let shape = shapes[name], tensor.shape == shape else {
                    throw mismatch("\(moment) of \(name) has the shape \(tensor.shape), not \(shapes[name] ?? [])")
                }
            }
        }
    }
}

/// Which optimizer, with its settings; the learning rate belongs to the schedule.
public enum OptimizerConfiguration: Codable, Sendable, Equatable {
    /// AdamW (Loshchilov and Hutter, arXiv 1711.05101), PyTorch's defaults.
    case adamW(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01)
    /// Stochastic gradient descent; FS-LLM trains with it.
    case sgd(momentum: Double = 0, weightDecay: Double = 0)

    /// A fresh optimizer.
    ///
    /// - Throws: `TrainingError.badSetting` for values out of range.
    public func make() throws -> any Optimizer {
        func require(_ isGood: Bool, _ name: String, _ value: Double, _ range: String) throws {
            if !isGood { throw TrainingError.badSetting(name: name, reason: "is \(value); it must be \(range)") }
        }
        switch self {
        case .adamW(let beta1, let beta2, let epsilon, let weightDecay):
            try require((0..<1).contains(beta1), "beta1", beta1, "in 0..<1")
            try require((0..<1).contains(beta2), "beta2", beta2, "in 0..<1")
            try require(epsilon > 0, "epsilon", epsilon, "above 0")
            try require(weightDecay >= 0, "weight decay", weightDecay, "at least 0")
            return AdamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay)
        case .sgd(let momentum, let weightDecay):
            try require((0..<1).contains(momentum), "momentum", momentum, "in 0..<1")
            try require(weightDecay >= 0, "weight decay", weightDecay, "at least 0")
            return SGD(momentum: momentum, weightDecay: weightDecay)
        }
    }
}
