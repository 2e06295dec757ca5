import CSodium

/// Diffie-Hellman on Curve25519 (RFC 7748).
public enum X25519 {
    /// Bytes of a secret key, a public key and a shared secret.
    public static let keyLength = 32

    /// The public key that belongs to a secret key; clamping happens inside.
    ///
    /// - Throws: `CryptographyError.wrongLength`.
    public static func publicKey(of secretKey: SecretBytes) throws -> [UInt8] {
        try CryptographyError.check("X25519 secret key", secretKey.count, keyLength)
        Sodium.start
        var publicKey = [UInt8](repeating: 0, count: keyLength)
        guard crypto_scalarmult_base(&publicKey, secretKey.bytePointer) == 0 else {
            throw CryptographyError.failed(operation: "derive an X25519 public key")
        }
        return publicKey
    }

    /// The raw shared secret; always feed it to a hash together with both public keys before use.
    ///
    /// - Throws: `CryptographyError.lowOrderPublicKey` when the result would be all zeros,
    ///   `CryptographyError.wrongLength`, `CryptographyError.noSecretMemory`.
    public static func sharedSecret(_ secretKey: SecretBytes, with publicKey: [UInt8]) throws -> SecretBytes {
        try CryptographyError.check("X25519 secret key", secretKey.count, keyLength)
        try CryptographyError.check("X25519 public key", publicKey.count, keyLength)
        return try SecretBytes(count: keyLength) { target in
            guard
                let base = target.bindMemory(to: UInt8.self).baseAddress,
                crypto_scalarmult(base, secretKey.bytePointer, publicKey) == 0
            else { throw CryptographyError.lowOrderPublicKey }
        }
    }
}

/// An X25519 secret key with its public key.
public struct X25519KeyPair: Sendable {
    /// 32 bytes, as drawn; clamped inside each use.
    public let secretKey: SecretBytes
    /// 32 bytes.
    public let publicKey: [UInt8]

    /// A fresh pair.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public init() throws {
        try self.init(secretKey: SecretBytes.random(count: X25519.keyLength))
    }

    /// The pair of a known secret key of 32 bytes.
    ///
    /// - Throws: `CryptographyError.wrongLength`.
    public init(secretKey: SecretBytes) throws {
        self.secretKey = secretKey
        publicKey = try X25519.publicKey(of: secretKey)
    }
}
