import TensorEngine

/// AdamW exactly as `torch.optim.AdamW`: decoupled decay p ← p (1 − lr·wd), bias-corrected moments, ε outside the root.
public final class AdamW: Optimizer {
    private struct Slot {
        let first: Tensor
        let second: Tensor
        var step = 0
    }

    private let beta1: Double
    private let beta2: Double
    private let epsilon: Double
    private let weightDecay: Double
    private var slots: [String: Slot] = [:]

    private static let rule = "adamw"
    private static let firstName = "exp_avg"
    private static let secondName = "exp_avg_sq"

    /// An optimizer that has taken no step.
    public init(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// See ``Optimizer/step(_:learningRate:gradientScale:)``.
    public func step(_ parameters: [Parameter], learningRate: Double, gradientScale: Float = 1) {
        for parameter in parameters {
            guard let gradient = parameter.gradient else { continue }
            let shape = parameter.value.shape
            var slot =
                slots[parameter.name]
                ?? Slot(first: .zeros(shape, isLongLived: true), second: .zeros(shape, isLongLived: true))
            slot.step += 1
            slots[parameter.name] = slot
            Elementwise.adamW(
                parameter: parameter.value,
                gradient: gradient,
                firstMoment: slot.first,
                secondMoment: slot.second,
                step: slot.step,
                learningRate: learningRate,
                beta1: beta1,
                beta2: beta2,
                epsilon: epsilon,
                weightDecay: weightDecay,
                gradientScale: gradientScale
            )
        }
    }

    /// See ``Optimizer/state()``.
    public func state() -> OptimizerState {
        OptimizerState(
            rule: Self.rule,
            steps: slots.mapValues(\.step),
            moments: [
                Self.firstName: slots.mapValues { $0.first.copy() },
                Self.secondName: slots.mapValues { $0.second.copy() },
            ]
        )
    }

    /// See ``Optimizer/restore(_:for:)``.
    public func restore(_ state: OptimizerState, for parameters: [Parameter]) throws {
        try state.validate(rule: Self.rule, moments: [Self.firstName, Self.secondName], for: parameters)
        slots = [:]
        for (name, step) in state.steps {
            guard let first = state.moments[Self.firstName]?[name], let second = state.moments[Self.secondName]?[name]
            else { continue }
            slots[name] = Slot(first: first.copy(), second: second.copy(), step: step)
        }
    }
}
