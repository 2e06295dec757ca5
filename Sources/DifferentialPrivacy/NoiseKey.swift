import Cryptography

/// The secret that a run's coins and noise follow from: HKDF-SHA256 (RFC 5869) names a key for every purpose, ChaCha20
/// stretches it. The same key and purpose give the same numbers, so that a stopped run goes on to the same bits; whoever
/// knows the key can take the noise off again, and no ε holds against them.
public struct NoiseKey: Sendable {
    /// Bytes of a key.
    public static let length = ChaCha20.keyLength

    private let secret: SecretBytes

    /// A fresh key from the system's generator.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public init() throws { secret = try .random(count: Self.length) }

    /// The key of a public seed, for simulations only: anybody can guess it.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public init(simulationSeed seed: UInt64) throws {
        let hash = TaggedHash("fsot/simulation/privacy-noise")
        hash.append(withUnsafeBytes(of: seed.littleEndian) { Array($0) })
        secret = try SecretBytes(copying: hash.digest())
    }

    /// A key that was kept with ``exposed()``.
    ///
    /// - Throws: `CryptographyError.wrongLength`, `.noSecretMemory`.
    public init(bytes: [UInt8]) throws {
        guard bytes.count == Self.length else {
            throw CryptographyError.wrongLength(of: "privacy noise key", expected: Self.length, actual: bytes.count)
        }
        secret = try SecretBytes(copying: bytes)
    }

    private init(_ secret: SecretBytes) { self.secret = secret }

    /// The bytes, to keep where only the noise's owner reads.
    public func exposed() -> [UInt8] { secret.exposed() }

    /// The key of one purpose; keys of different purposes tell nothing about each other.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public func derive(_ purpose: String) throws -> NoiseKey {
        NoiseKey(try HKDFSHA256.expand(secret, info: Array(purpose.utf8), count: Self.length))
    }

    /// Hands `count` uniform numbers in [0, 1), of 53 bits each, to `body` in order, block by block.
    ///
    /// - Throws: what `body` throws.
    func forEachUniform(_ count: Int, _ body: (Int, Double) -> Void) throws {
        let block = 4096
        var words = [UInt64](repeating: 0, count: min(block, count))
        defer { words.withUnsafeMutableBufferPointer { $0.update(repeating: 0) } }
        for start in stride(from: 0, to: count, by: block) {
            words.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
            // A block of the stream is 64 bytes: eight words.
            try words.withUnsafeMutableBytes { try ChaCha20.xor(into: $0, key: secret, counter: UInt64(start / 8)) }
            for index in start..<min(start + block, count) {
                body(index, Double(UInt64(littleEndian: words[index - start]) >> 11) * 0x1p-53)
            }
        }
    }
}
