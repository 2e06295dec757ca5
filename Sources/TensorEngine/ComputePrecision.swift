import CKernels

/// In which arithmetic matrix products are computed: those with a weight, of its gradient and of attention. Everything else
/// (residual stream, norms, softmax, losses, gradients as they gather, optimizer) is computed in float32 either way; what
/// is only ever an operand of a product is kept rounded.
public enum ComputePrecision: String, Codable, Sendable, CaseIterable {
    /// OpenBLAS in float32.
    case float32 = "f32"
    /// Operands rounded to bfloat16, sums in float32, by own kernels; needs AVX512_BF16.
    case bfloat16 = "bf16"

    /// Whether this processor has AVX512_BF16.
    public static let supportsBFloat16 = fsot_bf16_available() != 0

    /// The fastest that this processor has.
    public static var fastest: ComputePrecision { supportsBFloat16 ? .bfloat16 : .float32 }
}
