/// A named weight. While it is frozen nothing computes a gradient for it and no gradient buffer exists.
public final class Parameter {
    /// The full name in the checkpoint, as Hugging Face has it.
    public let name: String
    /// The weight.
    public var value: Tensor
    /// The gradient: added to by every backward pass until `zeroGradient()`; nil before the first and while frozen.
    public private(set) var gradient: Tensor?
    /// Whether training changes it. Setting it to false drops the gradient buffer.
    public var isTrainable: Bool {
        didSet { if !isTrainable { gradient = nil } }
    }

    /// In which arithmetic products with it are computed.
    public var precision = ComputePrecision.float32

    /// A parameter; frozen unless said otherwise.
    public init(name: String, value: Tensor, isTrainable: Bool = false) {
        self.name = name
        self.value = value
        self.isTrainable = isTrainable
    }

    /// Sets the gradient to zero and keeps its buffer.
    public func zeroGradient() {
        gradient?.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
    }

    /// The gradient buffer to add to, made of zeros when there is none. Only while trainable.
    package func gradientBuffer() -> Tensor {
        precondition(isTrainable, "\(name) is frozen and has no gradient.")
        if let gradient { return gradient }
        // Not from the idle buffers: the next step needs those again.
        let fresh = Tensor(uninitialized: value.shape, isLongLived: true)
        fresh.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        gradient = fresh
        return fresh
    }
}

/// How a linear layer's weight lies in memory.
public enum WeightLayout: Sendable {
    /// `[out, in]`: Hugging Face `Linear`.
    case outputByInput
    /// `[in, out]`: GPT-2's `Conv1D`.
    case inputByOutput
}

/// A low-rank update of a linear layer: y += scale · (x Aᵀ) Bᵀ (LoRA, arXiv 2106.09685).
public struct LowRankBranch {
    /// `[rank, in]`.
    public let a: Parameter
    /// `[out, rank]`.
    public let b: Parameter
    /// alpha / rank, or as the method defines it.
    public let scale: Float

    /// A branch from its two factors.
    public init(a: Parameter, b: Parameter, scale: Float) {
        precondition(
            a.value.shape.count == 2 && b.value.shape.count == 2 && a.value.rows == b.value.columns,
            "the factors \(a.name) \(a.value.shape) and \(b.name) \(b.value.shape) have no common rank."
        )
        self.a = a
        self.b = b
        self.scale = scale
    }

    var rank: Int { a.value.rows }
    var isTrainable: Bool { a.isTrainable || b.isTrainable }
}

/// A ragged batch: sequences lie one after the other and there are no padding rows. Under causal attention right padding
/// never influences a real token, so leaving it out is exact.
public struct SequenceLayout: Equatable, Sendable {
    /// Tokens of each sequence.
    public let lengths: [Int]
    /// First row of each sequence.
    public let offsets: [Int]
    /// Rows in all.
    public var rows: Int { (offsets.last ?? 0) + (lengths.last ?? 0) }

    /// The layout of sequences of these lengths, each at least 1.
    public init(lengths: [Int]) {
        precondition(lengths.allSatisfy { $0 > 0 }, "every sequence must hold at least one token: \(lengths).")
        self.lengths = lengths
        var offset = 0
        offsets = lengths.map { length in
            defer { offset += length }
            return offset
        }
    }

    /// Position of each row in its sequence: 0, 1, 2, … for each.
    public var positions: [Int32] { lengths.flatMap { (0..<Int32($0)) } }
}
