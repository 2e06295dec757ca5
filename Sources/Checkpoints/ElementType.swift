/// How the elements of a stored tensor are encoded. The raw value is the name in safetensors headers or in ggml.
public enum ElementType: String, Sendable, Equatable, CaseIterable, Codable {
    /// IEEE single precision.
    case f32 = "F32"
    /// IEEE half precision.
    case f16 = "F16"
    /// The upper half of a single.
    case bf16 = "BF16"
    /// IEEE double precision; read as Float32 by rounding to nearest.
    case f64 = "F64"
    /// Truth values, one byte each.
    case bool = "BOOL"
    /// Unsigned 8-bit integers.
    case u8 = "U8"
    /// Signed 8-bit integers.
    case i8 = "I8"
    /// Signed 16-bit integers.
    case i16 = "I16"
    /// Unsigned 16-bit integers.
    case u16 = "U16"
    /// Signed 32-bit integers.
    case i32 = "I32"
    /// Unsigned 32-bit integers.
    case u32 = "U32"
    /// Signed 64-bit integers.
    case i64 = "I64"
    /// Unsigned 64-bit integers.
    case u64 = "U64"
    /// ggml: blocks of 32 four-bit numbers under one scale.
    case q4_0 = "Q4_0"
    /// ggml: blocks of 32 four-bit numbers under one scale and one minimum.
    case q4_1 = "Q4_1"
    /// ggml: blocks of 32 five-bit numbers under one scale.
    case q5_0 = "Q5_0"
    /// ggml: blocks of 32 five-bit numbers under one scale and one minimum.
    case q5_1 = "Q5_1"
    /// ggml: blocks of 32 eight-bit numbers under one scale.
    case q8_0 = "Q8_0"
    /// ggml: superblocks of 256 four-bit numbers, eight six-bit scales and minima.
    case q4_K = "Q4_K"
    /// ggml: superblocks of 256 six-bit numbers, sixteen eight-bit scales.
    case q6_K = "Q6_K"

    /// How many elements one block holds; 1 for plain types.
    public var blockElements: Int {
        switch self {
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: return 32
        case .q4_K, .q6_K: return 256
        default: return 1
        }
    }

    /// The bytes of one block.
    public var blockBytes: Int {
        switch self {
        case .bool, .u8, .i8: return 1
        case .f16, .bf16, .i16, .u16: return 2
        case .f32, .i32, .u32: return 4
        case .f64, .i64, .u64: return 8
        case .q4_0: return 18
        case .q4_1: return 20
        case .q5_0: return 22
        case .q5_1: return 24
        case .q8_0: return 34
        case .q4_K: return 144
        case .q6_K: return 210
        }
    }

    /// Whether elements are integers or truth values, which are never read as weights.
    public var isInteger: Bool {
        switch self {
        case .bool, .u8, .i8, .i16, .u16, .i32, .u32, .i64, .u64: return true
        default: return false
        }
    }

    /// Whether safetensors files can hold it; the others are ggml's.
    public var isSafetensors: Bool { blockElements == 1 }

    /// The bytes of a tensor of this shape; nil when an extent is negative, the innermost extent is no whole number of
    /// blocks, or the product overflows.
    public func byteCount(shape: [Int]) -> Int? {
        if blockElements > 1 {
            guard let innermost = shape.last, innermost % blockElements == 0 else { return nil }
        }
        var count = 1
        for extent in shape {
            guard extent >= 0 else { return nil }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow { return nil }
            count = product
        }
        let (bytes, overflow) = (count / blockElements).multipliedReportingOverflow(by: blockBytes)
        return overflow ? nil : bytes
    }
}
