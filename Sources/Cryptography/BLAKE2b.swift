import CSodium

/// BLAKE2b with 32 bytes of output and no key (RFC 7693), fed piece by piece.
///
/// Not `Sendable`: one hasher belongs to one task. The state is wiped at the end, so secrets may be hashed.
public final class BLAKE2b256 {
    /// Bytes of a digest.
    public static let length = 32
    // libsodium demands 64-byte alignment of its state.
    private let state: UnsafeMutableRawPointer

    /// An empty hasher.
    public init() {
        Sodium.start
        state = .allocate(byteCount: crypto_generichash_statebytes(), alignment: 64)
        crypto_generichash_init(handle, nil, 0, Self.length)
    }

    deinit {
        sodium_memzero(state, crypto_generichash_statebytes())
        state.deallocate()
    }

    // Swift imports libsodium's over-aligned state as an opaque type.
    private var handle: OpaquePointer {
        OpaquePointer(state)
    }

    /// Appends bytes.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
        crypto_generichash_update(handle, base, UInt64(bytes.count))
    }

    /// Appends bytes.
    public func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Appends a secret.
    public func update(_ secret: SecretBytes) {
        secret.withUnsafeBytes { update($0) }
    }

    /// The digest of all that was appended; the hasher must not be used afterwards.
    public func finalize() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.length)
        crypto_generichash_final(handle, &digest, Self.length)
        return digest
    }

    /// The digest as a secret, for derived keys; the hasher must not be used afterwards.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public func finalizeSecret() throws -> SecretBytes {
        try SecretBytes(count: Self.length) { target in
            if let base = target.bindMemory(to: UInt8.self).baseAddress {
                crypto_generichash_final(handle, base, Self.length)
            }
        }
    }

    /// The digest of `bytes`.
    public static func digest(_ bytes: [UInt8]) -> [UInt8] {
        let hasher = BLAKE2b256()
        hasher.update(bytes)
        return hasher.finalize()
    }
}
