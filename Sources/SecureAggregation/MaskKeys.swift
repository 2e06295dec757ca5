import Cryptography

/// The keys of many masks, each with its sign, end to end in one piece of guarded memory.
///
/// A secret of its own for each would cost three pages and four memory maps; a hundred participants hold 9900 keys.
public final class MaskKeys {
    /// The masks' signs.
    public let signs: [RingMask.Sign]
    private let keys: SecretBytes

    /// Collects `count` masks.
    ///
    /// - Parameter next: called once for each index, in order.
    /// - Throws: what `next` throws, `CryptographyError.noSecretMemory`, `CryptographyError.wrongLength` for a key that
    ///   is not 32 bytes.
    public init(count: Int, _ next: (Int) throws -> (sign: RingMask.Sign, key: SecretBytes)) throws {
        var signs: [RingMask.Sign] = []
        keys = try SecretBytes(count: count * ChaCha20.keyLength) { target in
            for index in 0..<count {
                let (sign, key) = try next(index)
                guard key.count == ChaCha20.keyLength else {
                    throw CryptographyError.wrongLength(
                        of: "mask key",
                        expected: ChaCha20.keyLength,
                        actual: key.count
                    )
                }
                signs.append(sign)
                key.withUnsafeBytes { bytes in
                    let start = index * ChaCha20.keyLength
                    UnsafeMutableRawBufferPointer(rebasing: target[start..<start + ChaCha20.keyLength])
                        .copyMemory(from: bytes)
                }
            }
        }
        self.signs = signs
    }

    /// Lends all keys, 32 bytes each, in the order of ``signs``.
    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try keys.withUnsafeBytes(body)
    }
}
