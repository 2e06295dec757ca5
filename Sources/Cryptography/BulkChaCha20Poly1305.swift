import COpenSSL

/// ChaCha20-Poly1305 (RFC 8439) for weights: OpenSSL's, which uses the processor's vector instructions, in buffers of the
/// caller's, under one key with a nonce a message. A (key, nonce) pair must never seal two messages.
///
/// Not `Sendable`: one object belongs to one task.
public final class BulkChaCha20Poly1305 {
    private let context: OpaquePointer
    private let isSealing: Bool

    /// Keeps the key inside OpenSSL's context, which is wiped with the object.
    ///
    /// - Parameter sealing: whether it is for ``seal(_:into:nonce:)`` or for ``open(_:into:nonce:)``.
    /// - Throws: `CryptographyError.wrongLength`, `OpenSSLError`.
    public init(key: SecretBytes, sealing: Bool) throws {
        try CryptographyError.check("ChaCha20Poly1305 key", key.count, ChaCha20Poly1305.keyLength)
        ERR_clear_error()
        guard let context = EVP_CIPHER_CTX_new() else { throw OpenSSLError("encrypt") }
        let key = key.bytePointer
        guard EVP_CipherInit_ex(context, EVP_chacha20_poly1305(), nil, key, nil, sealing ? 1 : 0) == 1 else {
            EVP_CIPHER_CTX_free(context)
            throw OpenSSLError("encrypt")
        }
        self.context = context
        isSealing = sealing
    }

    deinit {
        EVP_CIPHER_CTX_free(context)
    }

    /// Writes ciphertext and tag: `target.count` is `plaintext.count + 16`, at most 2 GiB. The two must not overlap.
    ///
    /// - Throws: `CryptographyError.wrongLength`, `OpenSSLError`.
    public func seal(
        _ plaintext: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        nonce: [UInt8]
    ) throws {
        precondition(isSealing, "made for opening")
        let tagLength = ChaCha20Poly1305.tagLength
        try CryptographyError.check("ciphertext buffer", target.count, plaintext.count + tagLength)
        try start(nonce)
        let body = UnsafeMutableRawBufferPointer(rebasing: target[..<plaintext.count])
        guard
            update(plaintext, body), finish(),
            EVP_CIPHER_CTX_ctrl(
                context,
                EVP_CTRL_AEAD_GET_TAG,
                Int32(tagLength),
                target.baseAddress?.advanced(by: plaintext.count)
            ) == 1
        else { throw OpenSSLError("encrypt") }
    }

    /// Checks the tag at the end of `ciphertext` and writes the plaintext: `target.count` is `ciphertext.count - 16`.
    ///
    /// - Throws: `CryptographyError.notAuthentic`, and then `target` holds zeros; `CryptographyError.wrongLength`,
    ///   `OpenSSLError`.
    public func open(
        _ ciphertext: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        nonce: [UInt8]
    ) throws {
        precondition(!isSealing, "made for sealing")
        let tagLength = ChaCha20Poly1305.tagLength
        guard ciphertext.count >= tagLength else { throw CryptographyError.notAuthentic }
        let length = ciphertext.count - tagLength
        try CryptographyError.check("plaintext buffer", target.count, length)
        try start(nonce)
        let tag = UnsafeMutableRawPointer(mutating: ciphertext.baseAddress?.advanced(by: length))
        guard
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), tag) == 1,
            update(UnsafeRawBufferPointer(rebasing: ciphertext[..<length]), target)
        else { throw OpenSSLError("decrypt") }
        guard finish() else {
            // What was decrypted before the tag was checked must not be looked at by anybody.
            target.initializeMemory(as: UInt8.self, repeating: 0)
            ERR_clear_error()
            throw CryptographyError.notAuthentic
        }
    }

    private func start(_ nonce: [UInt8]) throws {
        try CryptographyError.check("ChaCha20Poly1305 nonce", nonce.count, ChaCha20Poly1305.nonceLength)
        ERR_clear_error()
        guard EVP_CipherInit_ex(context, nil, nil, nil, nonce, isSealing ? 1 : 0) == 1 else {
            throw OpenSSLError("encrypt")
        }
    }

    private func update(_ source: UnsafeRawBufferPointer, _ target: UnsafeMutableRawBufferPointer) -> Bool {
        guard let length = Int32(exactly: source.count) else { return false }
        if length == 0 { return true }
        var written: Int32 = 0
        return EVP_CipherUpdate(
            context,
            target.bindMemory(to: UInt8.self).baseAddress,
            &written,
            source.bindMemory(to: UInt8.self).baseAddress,
            length
        ) == 1 && written == length
    }

    /// A stream cipher has nothing left to write at the end; this computes or checks the tag.
    private func finish() -> Bool {
        var rest = [UInt8](repeating: 0, count: 16)
        var written: Int32 = 0
        return EVP_CipherFinal_ex(context, &rest, &written) == 1 && written == 0
    }
}
