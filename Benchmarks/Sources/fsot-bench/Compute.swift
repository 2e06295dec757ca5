import ArgumentParser
import LanguageModels
import TensorEngine

/// The arithmetic of the large matrix products.
enum Compute: String, CaseIterable, ExpressibleByArgument {
    /// float32 through OpenBLAS.
    case f32
    /// bfloat16 factors, float32 sums.
    case bf16

    /// - Throws: `ValidationError` when this processor cannot.
    func require() throws {
        guard self == .f32 || ComputePrecision.supportsBFloat16 else {
            throw ValidationError("--compute bf16: this processor has no AVX512_BF16; use --compute f32")
        }
    }

    var precision: ComputePrecision { self == .bf16 ? .bfloat16 : .float32 }

    /// What multiplies.
    var kernels: String { self == .bf16 ? "own kernels, AVX512_BF16" : OpenBLAS.configuration }

    /// Makes a model compute so, in as little memory as that takes. What is to be trained must be marked already.
    func apply(to model: LanguageModel) { model.compute(in: precision, releasingFloat32: true) }
}
