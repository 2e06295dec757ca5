import TensorEngine

/// A linear layer of a block, with room for a low-rank branch beside its weight.
public final class Linear {
    /// The module's Hugging Face name, e.g. `model.layers.3.self_attn.q_proj`; its weight adds `.weight`.
    public let name: String
    /// The weight, `[out, in]` or, for GPT-2's Conv1D, `[in, out]`.
    public let weight: Parameter
    /// The bias, `[out]`, where the architecture has one.
    public let bias: Parameter?
    /// How `weight` is laid out.
    public let layout: WeightLayout
    /// The low-rank branch that a LoRA adapter has attached: adds `scale · B A x`.
    public var lowRank: LowRankBranch?

    /// Width of what the layer takes.
    public var inputSize: Int { weight.value.shape[layout == .outputByInput ? 1 : 0] }
    /// Width of what the layer gives.
    public var outputSize: Int { weight.value.shape[layout == .outputByInput ? 0 : 1] }
    /// The layer's own parameters: weight, then bias.
    public var parameters: [Parameter] { bias.map { [weight, $0] } ?? [weight] }

    /// Takes the parameters `NAME.weight` and, with `hasBias`, `NAME.bias` from `weights`.
    init(
        _ name: String,
        from inputSize: Int,
        to outputSize: Int,
        hasBias: Bool,
        layout: WeightLayout = .outputByInput,
        weights: any WeightProvider
    ) throws {
        self.name = name
        self.layout = layout
        let shape = layout == .outputByInput ? [outputSize, inputSize] : [inputSize, outputSize]
        weight = try weights.parameter(name + ".weight", shape: shape)
        bias = hasBias ? try weights.parameter(name + ".bias", shape: [outputSize]) : nil
    }

    /// `x Wᵀ + b`, plus the low-rank branch: `[rows, in]` to `[rows, out]`.
    public func callAsFunction(_ x: Tensor, on tape: Tape) -> Tensor {
        tape.linear(x, weight: weight, bias: bias, layout: layout, lowRank: lowRank)
    }
}
