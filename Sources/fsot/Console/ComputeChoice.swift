import ArgumentParser
import TensorEngine

/// The value of `--compute`.
enum ComputeChoice: String, CaseIterable, ExpressibleByArgument {
    /// bf16 where the processor has it, else f32.
    case auto
    case f32
    case bf16

    static let help: ArgumentHelp =
        "Products in f32 (OpenBLAS), in bf16 (own kernels, needs AVX512_BF16), or auto: bf16 where there is."

    /// What to compute in on this machine.
    func precision() throws -> ComputePrecision {
        switch self {
        case .auto: return .fastest
        case .f32: return .float32
        case .bf16:
            guard ComputePrecision.supportsBFloat16 else {
                throw CommandFailure("--compute bf16 needs a processor with AVX512_BF16; use --compute f32 or auto.")
            }
            return .bfloat16
        }
    }
}
