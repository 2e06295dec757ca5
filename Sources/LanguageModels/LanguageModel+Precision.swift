import TensorEngine

extension LanguageModel {
    /// The precision of the products with the head, which is that of all.
    public var precision: ComputePrecision { headWeight.precision }

    /// Computes all products with weights, and attention, in `precision` from now on.
    ///
    /// - Parameters:
    ///   - precision: bfloat16 only where ``ComputePrecision/supportsBFloat16``.
    ///   - releasingFloat32: whether frozen weights give their float32 values up for the packed ones: half the memory. Set
    ///     `isTrainable` before, and do not save such a model: released weights read as rounded to bfloat16.
    public func compute(in precision: ComputePrecision, releasingFloat32: Bool = false) {
        precondition(precision == .float32 || ComputePrecision.supportsBFloat16, "this processor has no AVX512_BF16.")
        for weight in linears.flatMap(\.factors) + [headWeight] {
            weight.precision = precision
            if precision == .bfloat16, releasingFloat32, !weight.isTrainable { weight.value.releaseFloat32() }
        }
    }
}
