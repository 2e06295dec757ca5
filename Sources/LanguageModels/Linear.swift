import TensorEngine

/// A linear layer of a block, with room for a low-rank branch beside its weight.
///
/// A thinned block may hold it as two factors, `y = E (R x) + b` with `R` `NAME.reduce.weight` and `E`
/// `NAME.expand.weight`: `weight` is then `E`.
public final class Linear {
    /// The module's Hugging Face name, e.g. `model.layers.3.self_attn.q_proj`; its weight adds `.weight`.
    public let name: String
    /// The weight, `[out, in]` or, for GPT-2's Conv1D, `[in, out]`; of a factored layer the second factor, with the rank as `in`.
    public let weight: Parameter
    /// The first factor, `[rank, in]` (Conv1D: `[in, rank]`); nil for a whole layer.
    public let reduction: Parameter?
    /// The bias, `[out]`, where the architecture has one.
    public let bias: Parameter?
    /// How `weight` is laid out.
    public let layout: WeightLayout
    /// The low-rank branch that a LoRA adapter has attached: adds `scale · B A x`. Only on a whole layer.
    public var lowRank: LowRankBranch? {
        didSet { precondition(lowRank == nil || !isFactored, "\(name) is factored and takes no low-rank branch.") }
    }
    /// Told of what the layer takes, `[rows, in]`, in each forward pass: how calibration sees inside a block.
    public var onInput: ((Tensor) -> Void)?

    /// Whether the layer is stored as two factors.
    public var isFactored: Bool { reduction != nil }
    /// Width of what the layer takes.
    public var inputSize: Int { (reduction ?? weight).value.shape[layout == .outputByInput ? 1 : 0] }
    /// Width of what the layer gives.
    public var outputSize: Int { weight.value.shape[layout == .outputByInput ? 0 : 1] }
    /// The matrices that the layer multiplies with, in this order.
    public var factors: [Parameter] { (reduction.map { [$0] } ?? []) + [weight] }
    /// The layer's own parameters: weight, then bias.
    public var parameters: [Parameter] { factors + (bias.map { [$0] } ?? []) }

    /// Takes the parameters `NAME.weight` (or its two factors, with a `rank`) and, with `hasBias`, `NAME.bias` from `weights`.
    init(
        _ name: String,
        from inputSize: Int,
        to outputSize: Int,
        rank: Int? = nil,
        hasBias: Bool,
        layout: WeightLayout = .outputByInput,
        weights: any WeightProvider
    ) throws {
        self.name = name
        self.layout = layout
        func shape(_ from: Int, _ to: Int) -> [Int] { layout == .outputByInput ? [to, from] : [from, to] }
        if let rank {
            reduction = try weights.parameter(name + ".reduce.weight", shape: shape(inputSize, rank))
            weight = try weights.parameter(name + ".expand.weight", shape: shape(rank, outputSize))
        } else {
            reduction = nil
            weight = try weights.parameter(name + ".weight", shape: shape(inputSize, outputSize))
        }
        bias = hasBias ? try weights.parameter(name + ".bias", shape: [outputSize]) : nil
    }

    /// `x Wᵀ + b`, plus the low-rank branch: `[rows, in]` to `[rows, out]`.
    public func callAsFunction(_ x: Tensor, on tape: Tape) -> Tensor {
        onInput?(x)
        let x = reduction.map { tape.linear(x, weight: $0, layout: layout) } ?? x
        return tape.linear(x, weight: weight, bias: bias, layout: layout, lowRank: lowRank)
    }
}
