import ArgumentParser

/// The arithmetic of the large matrix products.
enum Compute: String, CaseIterable, ExpressibleByArgument {
    /// float32 through OpenBLAS.
    case f32
    /// bfloat16 factors, float32 sums.
    case bf16

    /// Makes the engine compute so from here on.
    ///
    /// - Throws: `ValidationError` when this engine cannot.
    func select() throws {
        switch self {
        case .f32: return
        case .bf16: throw ValidationError("--compute bf16: this engine multiplies in f32 only; use --compute f32")
        }
    }
}
