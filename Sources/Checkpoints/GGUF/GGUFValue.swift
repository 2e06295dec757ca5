/// A metadata value of a GGUF file. Integers of all widths up to 63 bits are one case, and homogeneous arrays are kept
/// compact: a vocabulary is one array of strings.
public enum GGUFValue: Sendable, Equatable {
    /// UINT8 to INT64, UINT64 up to `Int.max`.
    case integer(Int)
    /// UINT64 beyond `Int.max`.
    case large(UInt64)
    /// FLOAT32.
    case float(Float)
    /// FLOAT64.
    case double(Double)
    /// BOOL.
    case bool(Bool)
    /// STRING, always valid UTF-8.
    case string(String)
    /// An array of integers.
    case integers([Int])
    /// An array of FLOAT32.
    case floats([Float])
    /// An array of truth values.
    case bools([Bool])
    /// An array of strings.
    case strings([String])
    /// An array of arrays, of FLOAT64, or of UINT64 with one beyond `Int.max`.
    case array([GGUFValue])

    /// The integer, or nil when this is something else.
    public var int: Int? {
        if case .integer(let value) = self { return value }
        return nil
    }

    /// The number, or nil. A FLOAT32 becomes the shortest decimal that rounds to it: 1e-5 stays 1e-5.
    public var double: Double? {
        switch self {
        case .integer(let value): return Double(value)
        case .large(let value): return Double(value)
        case .float(let value): return Double(value.description)
        case .double(let value): return value
        default: return nil
        }
    }

    /// The truth value, or nil when this is something else.
    public var bool: Bool? {
        if case .bool(let value) = self { return value }
        return nil
    }

    /// The string, or nil when this is something else.
    public var string: String? {
        if case .string(let value) = self { return value }
        return nil
    }

    /// The strings, or nil when this is no array of strings.
    public var strings: [String]? {
        if case .strings(let values) = self { return values }
        return nil
    }

    /// The integers, or nil when this is no array of integers.
    public var integers: [Int]? {
        if case .integers(let values) = self { return values }
        return nil
    }

    /// The numbers, or nil when this is no array of FLOAT32.
    public var floats: [Float]? {
        if case .floats(let values) = self { return values }
        return nil
    }

    /// The truth values, or nil when this is no array of them.
    public var bools: [Bool]? {
        if case .bools(let values) = self { return values }
        return nil
    }
}

/// The type codes of metadata values in the file.
enum GGUFValueType: UInt32 {
    case uint8 = 0
    case int8 = 1
    case uint16 = 2
    case int16 = 3
    case uint32 = 4
    case int32 = 5
    case float32 = 6
    case bool = 7
    case string = 8
    case array = 9
    case uint64 = 10
    case int64 = 11
    case float64 = 12

    /// The fewest bytes that one value takes: what bounds a count before anything is allocated.
    var minimumBytes: Int {
        switch self {
        case .uint8, .int8, .bool: return 1
        case .uint16, .int16: return 2
        case .uint32, .int32, .float32: return 4
        case .uint64, .int64, .float64, .string: return 8
        case .array: return 12
        }
    }
}
