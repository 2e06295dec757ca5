import CSodium

/// Ed25519 signatures (RFC 8032), detached.
public enum Ed25519 {
    /// Bytes of a seed (the secret that is kept).
    public static let seedLength = 32
    /// Bytes of a public key.
    public static let publicKeyLength = 32
    /// Bytes of a signature.
    public static let signatureLength = 64

    /// True when `signature` was made over `message` by the owner of `publicKey`; any wrong length is false.
    public static func isValid(_ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureLength, publicKey.count == publicKeyLength else { return false }
        Sodium.start
        return crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
    }

    /// Throws unless ``isValid(_:of:publicKey:)``.
    ///
    /// - Throws: `CryptographyError.badSignature`.
    public static func verify(_ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]) throws {
        guard isValid(signature, of: message, publicKey: publicKey) else { throw CryptographyError.badSignature }
    }
}

/// An Ed25519 signing key.
public struct Ed25519SigningKey: Sendable {
    /// 32 bytes: what has to be kept.
    public let seed: SecretBytes
    /// 32 bytes.
    public let publicKey: [UInt8]
    /// libsodium's form, seed followed by public key.
    private let expanded: SecretBytes

    /// A fresh key.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public init() throws {
        try self.init(seed: SecretBytes.random(count: Ed25519.seedLength))
    }

    /// The key of a known seed of 32 bytes.
    ///
    /// - Throws: `CryptographyError.wrongLength`, `CryptographyError.noSecretMemory`.
    public init(seed: SecretBytes) throws {
        try CryptographyError.check("Ed25519 seed", seed.count, Ed25519.seedLength)
        var publicKey = [UInt8](repeating: 0, count: Ed25519.publicKeyLength)
        expanded = try SecretBytes(count: 64) { target in
            guard
                let base = target.bindMemory(to: UInt8.self).baseAddress,
                crypto_sign_seed_keypair(&publicKey, base, seed.bytePointer) == 0
            else { throw CryptographyError.failed(operation: "expand an Ed25519 seed") }
        }
        self.seed = seed
        self.publicKey = publicKey
    }

    /// 64 bytes over `message`; deterministic.
    ///
    /// - Throws: `CryptographyError.failed`.
    public func sign(_ message: [UInt8]) throws -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Ed25519.signatureLength)
        let status = crypto_sign_detached(&signature, nil, message, UInt64(message.count), expanded.bytePointer)
        guard status == 0 else { throw CryptographyError.failed(operation: "sign a message") }
        return signature
    }
}
