/// SA1's `H(tag, p1 … pm)`: BLAKE2b-256 over `enc(tag) ‖ enc(p1) ‖ …` with `enc(x) = u32le(length) ‖ x`.
///
/// The lengths make the encoding injective: no two lists of parts collide by moving a boundary
/// (federation.md 1.4). Not `Sendable`; use a value once.
public struct TaggedHash {
    private let hasher = BLAKE2b256()

    /// Starts with the tag, which separates one use of the hash from every other.
    public init(_ tag: String) {
        append(Array(tag.utf8))
    }

    /// Appends one part.
    public func append(_ part: [UInt8]) {
        hasher.update(UInt32(truncatingIfNeeded: part.count).littleEndianBytes)
        hasher.update(part)
    }

    /// Appends one secret part.
    public func append(_ part: SecretBytes) {
        hasher.update(UInt32(truncatingIfNeeded: part.count).littleEndianBytes)
        hasher.update(part)
    }

    /// Appends a number as four little-endian bytes.
    public func append(_ number: UInt32) {
        append(number.littleEndianBytes)
    }

    /// Appends one part of `words`, each as four little-endian bytes, without building its bytes.
    public func append(words: [UInt32]) {
        hasher.update(UInt32(truncatingIfNeeded: words.count * 4).littleEndianBytes)
        #if _endian(little)
            words.withUnsafeBytes { hasher.update($0) }
        #else
            for word in words { hasher.update(word.littleEndianBytes) }
        #endif
    }

    /// The digest, 32 bytes.
    public func digest() -> [UInt8] {
        hasher.finalize()
    }

    /// The digest as a derived key, 32 bytes.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public func secret() throws -> SecretBytes {
        try hasher.finalizeSecret()
    }

    /// The digest of a tag and public parts, 32 bytes.
    public static func digest(_ tag: String, _ parts: [UInt8]...) -> [UInt8] {
        let hash = TaggedHash(tag)
        for part in parts { hash.append(part) }
        return hash.digest()
    }
}

extension FixedWidthInteger {
    /// The integer's bytes, lowest first.
    public var littleEndianBytes: [UInt8] {
        withUnsafeBytes(of: littleEndian) { [UInt8]($0) }
    }
}
