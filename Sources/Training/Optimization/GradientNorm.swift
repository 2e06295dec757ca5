import TensorEngine

/// The norm of all gradients together, and clipping by it.
public enum GradientNorm {
    /// The Euclidean norm over all parameters, summed in float64; NaN or infinite if any gradient is.
    public static func global(_ parameters: [Parameter]) -> Double {
        parameters.reduce(0) { sum, parameter in
            sum + (parameter.gradient.map(Elementwise.sumOfSquares) ?? 0)
        }.squareRoot()
    }

    /// What to multiply gradients of norm `norm` by so that it does not exceed `maximum`: `torch.nn.utils.clip_grad_norm_`
    /// with its 1e-6.
    public static func clippingScale(norm: Double, maximum: Double?) -> Float {
        guard let maximum else { return 1 }
        return Float(min(1, maximum / (norm + 1e-6)))
    }
}
