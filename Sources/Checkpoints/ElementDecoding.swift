import Foundation
import TensorEngine

extension ElementType {
    /// Decodes `count` elements (a whole number of blocks) at any byte alignment.
    ///
    /// - Precondition: not an integer type; `source` holds the blocks and `target` has `count` elements.
    func decode(_ source: UnsafeRawPointer, count: Int, into target: UnsafeMutablePointer<Float>) {
        guard count > 0 else { return }
        switch self {
        case .f32: memcpy(target, source, count * 4)
        case .f16: widen(source, count: count, into: target, by: HalfPrecision.widenFloat16)
        case .bf16: widen(source, count: count, into: target, by: HalfPrecision.widenBFloat16)
        case .f64:
            for index in 0..<count {
                target[index] = Float(source.loadUnaligned(fromByteOffset: index &* 8, as: Double.self))
            }
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q4_K, .q6_K:
            decodeBlocks(source, count: count / blockElements, into: target)
        case .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64:
            preconditionFailure("Integers are not decoded as weights.")
        }
    }

    private func widen(
        _ source: UnsafeRawPointer,
        count: Int,
        into target: UnsafeMutablePointer<Float>,
        by convert: (UnsafeBufferPointer<UInt16>, UnsafeMutableBufferPointer<Float>) -> Void
    ) {
        if UInt(bitPattern: source) % 2 == 0 {
            convert(
                UnsafeBufferPointer(start: source.assumingMemoryBound(to: UInt16.self), count: count),
                UnsafeMutableBufferPointer(start: target, count: count)
            )
            return
        }
        // An odd header length may leave the data at an odd address; a 16-bit load must not see that.
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: min(count, 4096)) { aligned in
            guard let base = aligned.baseAddress else { return }
            var done = 0
            while done < count {
                let step = min(aligned.count, count - done)
                memcpy(base, source + done * 2, step * 2)
                convert(
                    UnsafeBufferPointer(start: base, count: step),
                    UnsafeMutableBufferPointer(start: target + done, count: step)
                )
                done += step
            }
        }
    }

    /// Rounds Float32 to this type's bytes.
    ///
    /// - Precondition: `.f32`, `.f16` or `.bf16`; `target` is aligned to 4 bytes and large enough.
    func encode(_ source: UnsafeBufferPointer<Float>, into target: UnsafeMutableRawPointer) {
        guard let base = source.baseAddress, !source.isEmpty else { return }
        switch self {
        case .f16:
            HalfPrecision.roundToFloat16(
                source,
                into: UnsafeMutableBufferPointer(
                    start: target.bindMemory(to: UInt16.self, capacity: source.count),
                    count: source.count
                )
            )
        case .bf16:
            HalfPrecision.roundToBFloat16(
                source,
                into: UnsafeMutableBufferPointer(
                    start: target.bindMemory(to: UInt16.self, capacity: source.count),
                    count: source.count
                )
            )
        case .f32: memcpy(target, base, source.count * 4)
        default: preconditionFailure("Only F32, F16 and BF16 are written.")
        }
    }
}
