import Foundation

extension JSONValue {
    /// Parses one JSON text.
    ///
    /// - Parameters:
    ///   - data: UTF-8 bytes.
    ///   - path: the file's name, for the error only.
    /// - Throws: `CheckpointError.invalidJSON`; a key that occurs twice in one object, a number beyond `Double`, nesting
    ///   deeper than 128 and anything after the value are errors.
    public static func parse(_ data: Data, path: String = "the text") throws(CheckpointError) -> JSONValue {
        let result: Result<JSONValue, CheckpointError> = data.withUnsafeBytes { bytes in
            do throws(CheckpointError) {
                return .success(try parse(bytes, path: path, offset: 0))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Parses one JSON text.
    ///
    /// - Throws: as ``parse(_:path:)-(Data,_)``.
    public static func parse(_ text: String, path: String = "the text") throws(CheckpointError) -> JSONValue {
        try parse(Data(text.utf8), path: path)
    }

    /// Reads and parses a file.
    ///
    /// - Throws: `CheckpointError.unreadable`, `CheckpointError.invalidJSON`.
    public static func read(_ path: String) throws(CheckpointError) -> JSONValue {
        let file = try MappedFile(path: path)
        return try parse(file.bytes, path: path, offset: 0)
    }

    static func parse(
        _ bytes: UnsafeRawBufferPointer,
        path: String,
        offset: Int
    ) throws(CheckpointError) -> JSONValue {
        var parser = JSONParser(bytes: bytes, path: path, base: offset)
        return try parser.document()
    }
}

/// A recursive-descent parser over bytes in memory; far faster than `JSONDecoder` for a tokenizer of 100 000 strings.
struct JSONParser {
    static let maximumDepth = 128

    private let bytes: UnsafeRawBufferPointer
    private let path: String
    private let base: Int
    private var position = 0

    init(bytes: UnsafeRawBufferPointer, path: String, base: Int) {
        self.bytes = bytes
        self.path = path
        self.base = base
    }

    mutating func document() throws(CheckpointError) -> JSONValue {
        let value = try value(depth: 0)
        skipSpace()
        if position < bytes.count { throw failure("there is something after the value") }
        return value
    }

    private func failure(_ reason: String) -> CheckpointError {
        .invalidJSON(path: path, offset: base + position, reason: reason)
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    private mutating func value(depth: Int) throws(CheckpointError) -> JSONValue {
        if depth > Self.maximumDepth { throw failure("it is nested deeper than \(Self.maximumDepth) levels") }
        skipSpace()
        guard let byte = next else { throw failure("a value is missing") }
        switch byte {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw failure("a value is missing")
        }
    }

    private mutating func literal(_ word: StaticString, _ value: JSONValue) throws(CheckpointError) -> JSONValue {
        let count = word.utf8CodeUnitCount
        guard bytes.count - position >= count, let base = bytes.baseAddress,
            memcmp(base + position, word.utf8Start, count) == 0
        else { throw failure("a value is missing") }
        position += count
        return value
    }

    private mutating func object(depth: Int) throws(CheckpointError) -> JSONValue {
        position += 1
        var entries = JSONObject()
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(entries)
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a key in quotation marks is missing") }
            let start = position
            let key = JSONObject.ExactKey(text: try string())
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("a colon is missing") }
            position += 1
            let member = try value(depth: depth + 1)
            if entries.storage.updateValue(member, forKey: key) != nil {
                position = start
                throw failure("the key \(key.text) occurs twice")
            }
            skipSpace()
            if next == UInt8(ascii: ",") {
                position += 1
            } else if next == UInt8(ascii: "}") {
                position += 1
                return .object(entries)
            } else {
                throw failure("a comma or a closing brace is missing")
            }
        }
    }

    private mutating func array(depth: Int) throws(CheckpointError) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if next == UInt8(ascii: ",") {
                position += 1
            } else if next == UInt8(ascii: "]") {
                position += 1
                return .array(elements)
            } else {
                throw failure("a comma or a closing bracket is missing")
            }
        }
    }

    private mutating func digits() -> Int {
        let start = position
        while let byte = next, byte >= 0x30, byte <= 0x39 { position += 1 }
        return position - start
    }

    private mutating func number() throws(CheckpointError) -> JSONValue {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        let leadingZero = next == UInt8(ascii: "0")
        let whole = digits()
        if whole == 0 || (leadingZero && whole > 1) { throw failure("a number is malformed") }
        var isInteger = true
        if next == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            if digits() == 0 { throw failure("a number is malformed") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            if digits() == 0 { throw failure("a number is malformed") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else { throw failure("the number \(text) is out of range") }
        return .double(value)
    }

    private mutating func string() throws(CheckpointError) -> String {
        position += 1
        let start = position
        while let byte = next, byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
        if next == UInt8(ascii: "\"") {
            let text = try decoded(UnsafeRawBufferPointer(rebasing: bytes[start..<position]))
            position += 1
            return text
        }
        var buffer = [UInt8](bytes[start..<position])
        while let byte = next {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let text = String(validating: buffer, as: UTF8.self) else {
                    throw failure("a string is not UTF-8")
                }
                return text
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &buffer)
            case 0..<0x20:
                throw failure("a control character stands in a string")
            default:
                buffer.append(byte)
                position += 1
            }
        }
        throw failure("a string is not closed")
    }

    private func decoded(_ slice: UnsafeRawBufferPointer) throws(CheckpointError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else { throw failure("a string is not UTF-8") }
        return text
    }

    private mutating func escape(into buffer: inout [UInt8]) throws(CheckpointError) {
        guard let kind = next else { throw failure("a string is not closed") }
        position += 1
        switch kind {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(kind)
        case UInt8(ascii: "b"): buffer.append(0x08)
        case UInt8(ascii: "f"): buffer.append(0x0c)
        case UInt8(ascii: "n"): buffer.append(0x0a)
        case UInt8(ascii: "r"): buffer.append(0x0d)
        case UInt8(ascii: "t"): buffer.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if code >= 0xd800 && code < 0xdc00 {
                guard next == UInt8(ascii: "\\") else { throw failure("half of a surrogate pair is missing") }
                position += 1
                guard next == UInt8(ascii: "u") else { throw failure("half of a surrogate pair is missing") }
                position += 1
                let low = try hexadecimal()
                guard low >= 0xdc00 && low < 0xe000 else { throw failure("half of a surrogate pair is missing") }
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair is missing") }
            buffer.append(contentsOf: Character(scalar).utf8)
        default:
            throw failure("an escape sequence is unknown")
        }
    }

    private mutating func hexadecimal() throws(CheckpointError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("an escape sequence is malformed")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
