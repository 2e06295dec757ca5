import CSodium

/// ChaCha20-Poly1305 with a 12-byte nonce (RFC 8439). A (key, nonce) pair must never seal two messages.
public enum ChaCha20Poly1305 {
    /// Bytes of a key.
    public static let keyLength = 32
    /// Bytes of a nonce.
    public static let nonceLength = 12
    /// Bytes that sealing adds.
    public static let tagLength = 16

    /// Encrypts and authenticates: `plaintext.count + 16` bytes.
    ///
    /// - Throws: `CryptographyError.wrongLength`.
    public static func seal(
        _ plaintext: UnsafeRawBufferPointer,
        key: SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8] = []
    ) throws -> [UInt8] {
        try check(key, nonce)
        var ciphertext = [UInt8](repeating: 0, count: plaintext.count + tagLength)
        plaintext.withMemoryRebound(to: UInt8.self) { bytes in
            // libsodium accepts a null message only by its length, which is what an empty buffer has.
            _ = crypto_aead_chacha20poly1305_ietf_encrypt(
                &ciphertext,
                nil,
                bytes.baseAddress,
                UInt64(bytes.count),
                additionalData,
                UInt64(additionalData.count),
                nil,
                nonce,
                key.bytePointer
            )
        }
        return ciphertext
    }

    /// Encrypts and authenticates; see ``seal(_:key:nonce:additionalData:)-(UnsafeRawBufferPointer,_,_,_)``.
    ///
    /// - Throws: `CryptographyError.wrongLength`.
    public static func seal(
        _ plaintext: [UInt8],
        key: SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8] = []
    ) throws -> [UInt8] {
        try plaintext.withUnsafeBytes { try seal($0, key: key, nonce: nonce, additionalData: additionalData) }
    }

    /// Encrypts and authenticates a secret.
    ///
    /// - Throws: `CryptographyError.wrongLength`.
    public static func seal(
        _ plaintext: SecretBytes,
        key: SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8] = []
    ) throws -> [UInt8] {
        try plaintext.withUnsafeBytes { try seal($0, key: key, nonce: nonce, additionalData: additionalData) }
    }

    /// Checks the tag and decrypts.
    ///
    /// - Throws: `CryptographyError.notAuthentic`, `CryptographyError.wrongLength`.
    public static func open(
        _ ciphertext: [UInt8],
        key: SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8] = []
    ) throws -> [UInt8] {
        guard ciphertext.count >= tagLength else { throw CryptographyError.notAuthentic }
        var plaintext = [UInt8](repeating: 0, count: ciphertext.count - tagLength)
        try plaintext.withUnsafeMutableBytes {
            try open(ciphertext, into: $0, key: key, nonce: nonce, additionalData: additionalData)
        }
        return plaintext
    }

    /// Checks the tag and decrypts into guarded memory.
    ///
    /// - Throws: `CryptographyError.notAuthentic`, `CryptographyError.wrongLength`, `CryptographyError.noSecretMemory`.
    public static func openSecret(
        _ ciphertext: [UInt8],
        key: SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8] = []
    ) throws -> SecretBytes {
        guard ciphertext.count >= tagLength else { throw CryptographyError.notAuthentic }
        return try SecretBytes(count: ciphertext.count - tagLength) {
            try open(ciphertext, into: $0, key: key, nonce: nonce, additionalData: additionalData)
        }
    }

    private static func open(
        _ ciphertext: [UInt8],
        into plaintext: UnsafeMutableRawBufferPointer,
        key: SecretBytes,
        nonce: [UInt8],
        additionalData: [UInt8]
    ) throws {
        try check(key, nonce)
        let status = crypto_aead_chacha20poly1305_ietf_decrypt(
            plaintext.bindMemory(to: UInt8.self).baseAddress,
            nil,
            nil,
            ciphertext,
            UInt64(ciphertext.count),
            additionalData,
            UInt64(additionalData.count),
            nonce,
            key.bytePointer
        )
        if status != 0 { throw CryptographyError.notAuthentic }
    }

    private static func check(_ key: SecretBytes, _ nonce: [UInt8]) throws {
        try CryptographyError.check("ChaCha20Poly1305 key", key.count, keyLength)
        try CryptographyError.check("ChaCha20Poly1305 nonce", nonce.count, nonceLength)
        Sodium.start
    }
}
