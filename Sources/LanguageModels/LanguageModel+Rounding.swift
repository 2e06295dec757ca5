import Checkpoints
import TensorEngine

extension LanguageModel {
    /// The same model with every weight as a file of this type will hold it; this one stays as it is.
    ///
    /// - Parameter type: `.f32`, `.bf16` or `.f16`, to nearest even.
    /// - Throws: `LanguageModelError` only for a model without blocks.
    public func rounded(to type: ElementType) throws -> LanguageModel {
        let copy = try subset(blocks: Array(blocks.indices))
        guard type == .bf16 || type == .f16 else { return copy }
        for parameter in copy.parameters {
            let values = parameter.value.values
            var half = [UInt16](repeating: 0, count: values.count)
            let rounded = Tensor.zeros(parameter.value.shape)
            values.withUnsafeBufferPointer { source in
                half.withUnsafeMutableBufferPointer { half in
                    rounded.withUnsafeMutableBufferPointer { target in
                        if type == .bf16 {
                            HalfPrecision.roundToBFloat16(source, into: half)
                            HalfPrecision.widenBFloat16(UnsafeBufferPointer(half), into: target)
                        } else {
                            HalfPrecision.roundToFloat16(source, into: half)
                            HalfPrecision.widenFloat16(UnsafeBufferPointer(half), into: target)
                        }
                    }
                }
            }
            parameter.value = rounded
        }
        return copy
    }
}
