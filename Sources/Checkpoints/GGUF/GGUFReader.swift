import Foundation

/// A cursor over the header of a GGUF file: every read is checked against the end of the file.
struct GGUFReader {
    static let maximumArrayDepth = 4

    let path: String
    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(file: MappedFile) {
        path = file.path
        bytes = file.bytes
    }

    var remaining: Int { bytes.count - position }

    func damaged(_ reason: String) -> CheckpointError { .damaged(path: path, offset: position, reason: reason) }

    private func require(_ count: Int) throws(CheckpointError) {
        if count > remaining {
            throw .truncated(path: path, offset: position, needed: count, available: remaining)
        }
    }

    mutating func number<Number: BitwiseCopyable>(_ type: Number.Type) throws(CheckpointError) -> Number {
        try require(MemoryLayout<Number>.size)
        let value = bytes.loadUnaligned(fromByteOffset: position, as: Number.self)
        position += MemoryLayout<Number>.size
        return value
    }

    /// A count of things that take at least `minimumBytes` each: more than the file can hold is damage, found before
    /// any memory is asked for.
    mutating func count(of things: String, minimumBytes: Int) throws(CheckpointError) -> Int {
        let start = position
        let count = try number(UInt64.self)
        guard count <= UInt64(remaining / minimumBytes) else {
            throw .damaged(
                path: path,
                offset: start,
                reason: "it claims \(count) \(things), more than the file can hold"
            )
        }
        return Int(count)
    }

    mutating func string() throws(CheckpointError) -> String {
        let start = position
        let length = try count(of: "bytes of text", minimumBytes: 1)
        let slice = UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw .damaged(path: path, offset: start, reason: "a text is not UTF-8")
        }
        position += length
        return text
    }

    private mutating func valueType() throws(CheckpointError) -> GGUFValueType {
        let start = position
        let code = try number(UInt32.self)
        guard let type = GGUFValueType(rawValue: code) else {
            throw .damaged(path: path, offset: start, reason: "the metadata type \(code) is unknown")
        }
        return type
    }

    mutating func value() throws(CheckpointError) -> GGUFValue { try value(try valueType(), depth: 0) }

    private mutating func value(_ type: GGUFValueType, depth: Int) throws(CheckpointError) -> GGUFValue {
        switch type {
        case .uint8: return .integer(Int(try number(UInt8.self)))
        case .int8: return .integer(Int(try number(Int8.self)))
        case .uint16: return .integer(Int(try number(UInt16.self)))
        case .int16: return .integer(Int(try number(Int16.self)))
        case .uint32: return .integer(Int(try number(UInt32.self)))
        case .int32: return .integer(Int(try number(Int32.self)))
        case .int64: return .integer(Int(try number(Int64.self)))
        case .uint64:
            let number = try number(UInt64.self)
            return Int(exactly: number).map { .integer($0) } ?? .large(number)
        case .float32: return .float(try number(Float.self))
        case .float64: return .double(try number(Double.self))
        case .bool: return .bool(try bool())
        case .string: return .string(try string())
        case .array: return try array(depth: depth)
        }
    }

    private mutating func bool() throws(CheckpointError) -> Bool {
        let byte = try number(UInt8.self)
        guard byte <= 1 else {
            position -= 1
            throw damaged("a truth value is \(byte)")
        }
        return byte == 1
    }

    private mutating func array(depth: Int) throws(CheckpointError) -> GGUFValue {
        guard depth < Self.maximumArrayDepth else {
            throw damaged("arrays are nested deeper than \(Self.maximumArrayDepth) levels")
        }
        let type = try valueType()
        let count = try count(of: "array elements", minimumBytes: type.minimumBytes)
        switch type {
        case .uint8: return .integers(try integers(count, UInt8.self))
        case .int8: return .integers(try integers(count, Int8.self))
        case .uint16: return .integers(try integers(count, UInt16.self))
        case .int16: return .integers(try integers(count, Int16.self))
        case .uint32: return .integers(try integers(count, UInt32.self))
        case .int32: return .integers(try integers(count, Int32.self))
        case .int64: return .integers(try integers(count, Int64.self))
        case .float32:
            var values: [Float] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try number(Float.self)) }
            return .floats(values)
        case .bool:
            var values: [Bool] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try bool()) }
            return .bools(values)
        case .string:
            var values: [String] = []
            values.reserveCapacity(count)
            for _ in 0..<count { values.append(try string()) }
            return .strings(values)
        case .uint64, .float64, .array:
            var values: [GGUFValue] = []
            for _ in 0..<count { values.append(try value(type, depth: depth + 1)) }
            if type == .uint64 {
                let integers = values.compactMap(\.int)
                if integers.count == values.count { return .integers(integers) }
            }
            return .array(values)
        }
    }

    private mutating func integers<Number: FixedWidthInteger & BitwiseCopyable>(
        _ count: Int,
        _ type: Number.Type
    ) throws(CheckpointError) -> [Int] {
        var values: [Int] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(Int(truncatingIfNeeded: try number(type))) }
        return values
    }
}
