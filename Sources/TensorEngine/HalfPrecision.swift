import CKernels

/// Conversions between Float32 and the two 16-bit formats, by bits: to nearest even, NaN stays NaN.
public enum HalfPrecision {
    /// Widens bfloat16 bits. Both buffers must have the same count.
    public static func widenBFloat16(
        _ source: UnsafeBufferPointer<UInt16>,
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        convert(source, target, fsot_bf16_to_f32)
    }

    /// Rounds to bfloat16 bits. Both buffers must have the same count.
    public static func roundToBFloat16(
        _ source: UnsafeBufferPointer<Float>,
        into target: UnsafeMutableBufferPointer<UInt16>
    ) {
        convert(source, target, fsot_f32_to_bf16)
    }

    /// Widens IEEE half bits. Both buffers must have the same count.
    public static func widenFloat16(
        _ source: UnsafeBufferPointer<UInt16>,
        into target: UnsafeMutableBufferPointer<Float>
    ) {
        convert(source, target, fsot_f16_to_f32)
    }

    /// Rounds to IEEE half bits; beyond 65504 it becomes infinite. Both buffers must have the same count.
    public static func roundToFloat16(
        _ source: UnsafeBufferPointer<Float>,
        into target: UnsafeMutableBufferPointer<UInt16>
    ) {
        convert(source, target, fsot_f32_to_f16)
    }

    private static func convert<Source, Target>(
        _ source: UnsafeBufferPointer<Source>,
        _ target: UnsafeMutableBufferPointer<Target>,
        _ kernel: (UnsafePointer<Source>, UnsafeMutablePointer<Target>, Int) -> Void
    ) {
        precondition(source.count == target.count, "\(source.count) numbers do not fill \(target.count).")
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        Tiling.run(source.count, size: Elementwise.tile) { range in
            kernel(from + range.lowerBound, to + range.lowerBound, range.count)
        }
    }
}
