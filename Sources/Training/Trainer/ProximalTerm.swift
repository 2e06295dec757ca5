import TensorEngine

/// FedProx's proximal term (Li et al., arXiv 1812.06127): adds μ/2 · ‖w − w₀‖², with w₀ the weights at the start of the
/// fit, so that local steps on skewed data do not drift far from the round's global weights.
public final class ProximalTerm: TrainerHook {
    private let strength: Double
    private var anchors: [Tensor] = []

    /// A term of strength μ ≥ 0.
    ///
    /// - Throws: `TrainingError.badSetting`.
    public init(strength: Double) throws {
        guard strength >= 0, strength.isFinite else {
            throw TrainingError.badSetting(
                name: "the proximal strength",
                reason: "is \(strength); it must be at least 0"
            )
        }
        self.strength = strength
    }

    /// Remembers the starting weights.
    public func onFitStart(_ context: TrainerContext) {
        anchors = context.parameters.map { $0.value.copy() }
    }

    /// Adds the term to the loss.
    public func onBatchForward(_ context: TrainerContext) {
        guard context.isLastMicroBatch else { return }
        var squares = 0.0
        for (parameter, anchor) in zip(context.parameters, anchors) {
            let difference = parameter.value.copy()
            Elementwise.axpy(-1, anchor, into: difference)
            squares += Elementwise.sumOfSquares(difference)
        }
        context.loss += strength / 2 * squares
    }

    /// Adds μ (w − w₀) to the gradients.
    public func onBatchBackward(_ context: TrainerContext) {
        guard context.isLastMicroBatch else { return }
        for (parameter, anchor) in zip(context.parameters, anchors) {
            guard let gradient = parameter.gradient else { continue }
            Elementwise.axpy(Float(strength), parameter.value, into: gradient)
            Elementwise.axpy(-Float(strength), anchor, into: gradient)
        }
    }
}
