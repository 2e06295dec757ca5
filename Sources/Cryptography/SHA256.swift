import CSodium

/// SHA-256 (FIPS 180-4), fed piece by piece.
///
/// libsodium's portable code: right for headers and keys; hash bulk weights with OpenSSL, which is three times faster.
public final class SHA256 {
    /// Bytes of a digest.
    public static let length = 32
    private var state = crypto_hash_sha256_state()

    /// An empty hasher.
    public init() {
        Sodium.start
        crypto_hash_sha256_init(&state)
    }

    deinit {
        sodium_memzero(&state, MemoryLayout<crypto_hash_sha256_state>.size)
    }

    /// Appends bytes.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
        crypto_hash_sha256_update(&state, base, UInt64(bytes.count))
    }

    /// Appends bytes.
    public func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of all that was appended, 32 bytes; the hasher must not be used afterwards.
    public func finalize() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.length)
        crypto_hash_sha256_final(&state, &digest)
        return digest
    }

    /// The digest of `bytes`, 32 bytes.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        let hasher = SHA256()
        hasher.update(bytes)
        return hasher.finalize()
    }
}
