import Cryptography

/// Writes the one canonical encoding of a message: little-endian, fixed order, no padding; or only counts its bytes.
public struct CanonicalWriter {
    private(set) var bytes: [UInt8] = []
    private(set) var count = 0
    private let isCounting: Bool

    init(isCounting: Bool) {
        self.isCounting = isCounting
    }

    init(capacity: Int) {
        isCounting = false
        bytes.reserveCapacity(capacity)
    }

    mutating func put(_ part: [UInt8]) {
        count += part.count
        if !isCounting { bytes += part }
    }

    mutating func put<Number: FixedWidthInteger>(_ number: Number) {
        count += Number.bitWidth / 8
        if !isCounting { bytes += number.littleEndianBytes }
    }

    mutating func put(_ number: Double) {
        put(number.bitPattern)
    }

    /// `u8 bits ‖ u64 count ‖ words`, each word in bits/8 bytes.
    mutating func put(words: [UInt32], bits: Int) {
        put(UInt8(bits))
        put(UInt64(words.count))
        let width = bits / 8
        count += words.count * width
        if isCounting { return }
        #if _endian(little)
            if width == 4 {
                words.withUnsafeBytes { bytes.append(contentsOf: $0) }
                return
            }
        #endif
        // Packed in a buffer of its own: an append for each byte would take longer than the masks.
        bytes += [UInt8](unsafeUninitializedCapacity: words.count * width) { packed, filled in
            for (index, word) in words.enumerated() {
                for byte in 0..<width {
                    packed[index * width + byte] = UInt8(truncatingIfNeeded: word >> UInt32(8 * byte))
                }
            }
            filled = words.count * width
        }
    }
}

/// Reads a canonical encoding; every length is checked against what is left before anything is allocated.
public struct CanonicalReader {
    private let bytes: [UInt8]
    private var offset = 0
    private let message: String

    init(_ bytes: [UInt8], message: String) {
        self.bytes = bytes
        self.message = message
    }

    func malformed(_ reason: String) -> SecureAggregationError {
        .malformed(message: message, reason: reason)
    }

    mutating func take(_ count: Int) throws -> [UInt8] {
        guard count <= bytes.count - offset else { throw malformed("they end after \(bytes.count) bytes") }
        defer { offset += count }
        return Array(bytes[offset..<offset + count])
    }

    mutating func take<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        let width = Number.bitWidth / 8
        guard width <= bytes.count - offset else { throw malformed("they end after \(bytes.count) bytes") }
        var number: Number = 0
        for index in (0..<width).reversed() { number = number << 8 | Number(truncatingIfNeeded: bytes[offset + index]) }
        offset += width
        return number
    }

    mutating func takeDouble() throws -> Double {
        let number = Double(bitPattern: try take(UInt64.self))
        // -0.0 equals 0.0: a second encoding of the same value.
        if number == 0, number.sign == .minus { throw malformed("they hold a negative zero") }
        return number
    }

    mutating func takeWords() throws -> (words: [UInt32], bits: Int) {
        let bits = Int(try take(UInt8.self))
        guard RoundHeader.supportedBits.contains(bits) else { throw malformed("\(bits) bits a word") }
        let width = bits / 8
        let count = try take(UInt64.self)
        guard count <= UInt64((bytes.count - offset) / width) else { throw malformed("\(count) words are announced") }
        var words = [UInt32](repeating: 0, count: Int(count))
        bytes.withUnsafeBytes { source in
            #if _endian(little)
                if width == 4 {
                    let packed = UnsafeRawBufferPointer(rebasing: source[offset..<offset + words.count * 4])
                    words.withUnsafeMutableBytes { $0.copyMemory(from: packed) }
                    return
                }
            #endif
            for index in 0..<words.count {
                var word: UInt32 = 0
                for byte in (0..<width).reversed() { word = word << 8 | UInt32(source[offset + index * width + byte]) }
                words[index] = word
            }
        }
        offset += Int(count) * width
        return (words, bits)
    }

    /// A list with a u16 count whose items have strictly rising ids, so that a set has one encoding only.
    mutating func takeList<Item>(
        id: (Item) -> UInt32,
        _ item: (inout CanonicalReader) throws -> Item
    ) throws -> [Item] {
        let count = Int(try take(UInt16.self))
        var items: [Item] = []
        for _ in 0..<count {
            let next = try item(&self)
            if let last = items.last, id(last) >= id(next) {
                throw malformed("the participants are not in rising order")
            }
            items.append(next)
        }
        return items
    }

    func end() throws {
        if offset != bytes.count { throw malformed("\(bytes.count - offset) bytes follow the end") }
    }
}

/// A message of the protocol with its one canonical encoding: `"FSA1" ‖ kind u8 ‖ fields`.
public protocol RoundMessage: Sendable, Equatable {
    /// The byte that tells the messages apart.
    static var kind: UInt8 { get }
    /// Appends the fields.
    func write(to writer: inout CanonicalWriter)
    /// Reads the fields.
    ///
    /// - Throws: `SecureAggregationError.malformed`.
    init(from reader: inout CanonicalReader) throws
}

extension RoundMessage {
    /// The bytes that cross the wire.
    public func encoded() -> [UInt8] {
        var writer = CanonicalWriter(capacity: encodedByteCount)
        writer.put(Array("FSA1".utf8))
        writer.put(Self.kind)
        write(to: &writer)
        return writer.bytes
    }

    /// Number of bytes that cross the wire, without building them.
    public var encodedByteCount: Int {
        var writer = CanonicalWriter(isCounting: true)
        write(to: &writer)
        return writer.count + 5
    }

    /// Reads a message; only the exact output of ``encoded()`` is accepted.
    ///
    /// - Throws: `SecureAggregationError.malformed`.
    public init(decoding bytes: [UInt8]) throws {
        var reader = CanonicalReader(bytes, message: "\(Self.self)")
        guard try reader.take(4) == Array("FSA1".utf8) else { throw reader.malformed("they do not start with FSA1") }
        guard try reader.take(UInt8.self) == Self.kind else { throw reader.malformed("they hold another message") }
        try self.init(from: &reader)
        try reader.end()
    }
}
