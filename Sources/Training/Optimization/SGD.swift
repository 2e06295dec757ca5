import TensorEngine

/// Stochastic gradient descent exactly as `torch.optim.SGD`: g ← g + wd·p; v ← momentum·v + g; p ← p − lr·v.
public final class SGD: Optimizer {
    private let momentum: Double
    private let weightDecay: Double
    private var steps: [String: Int] = [:]
    private var velocities: [String: Tensor] = [:]

    private static let rule = "sgd"
    private static let momentName = "momentum_buffer"

    /// An optimizer that has taken no step.
    public init(momentum: Double = 0, weightDecay: Double = 0) {
        self.momentum = momentum
        self.weightDecay = weightDecay
    }

    /// See ``Optimizer/step(_:learningRate:gradientScale:)``.
    public func step(_ parameters: [Parameter], learningRate: Double, gradientScale: Float = 1) {
        for parameter in parameters {
            guard let gradient = parameter.gradient else { continue }
            let taken = steps[parameter.name, default: 0]
            var velocity: Tensor?
            if momentum != 0 {
                velocity = velocities[parameter.name] ?? .zeros(parameter.value.shape, isLongLived: true)
                velocities[parameter.name] = velocity
            }
            Elementwise.sgd(
                parameter: parameter.value,
                gradient: gradient,
                velocity: velocity,
                isFirstStep: taken == 0,
                learningRate: learningRate,
                momentum: momentum,
                weightDecay: weightDecay,
                gradientScale: gradientScale
            )
            steps[parameter.name] = taken + 1
        }
    }

    /// See ``Optimizer/state()``.
    public func state() -> OptimizerState {
        let moments = momentum == 0 ? [:] : [Self.momentName: velocities.mapValues { $0.copy() }]
        return OptimizerState(rule: Self.rule, steps: steps, moments: moments)
    }

    /// See ``Optimizer/restore(_:for:)``.
    public func restore(_ state: OptimizerState, for parameters: [Parameter]) throws {
        try state.validate(rule: Self.rule, moments: momentum == 0 ? [] : [Self.momentName], for: parameters)
        steps = state.steps
        velocities = (state.moments[Self.momentName] ?? [:]).mapValues { $0.copy() }
    }
}
