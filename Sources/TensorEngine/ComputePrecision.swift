import CKernels

/// In which arithmetic the products with a weight are computed. Everything else (residual stream, norms, softmax, losses,
/// gradients of weights, optimizer) is float32 either way.
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
