import COpenSSL

/// An ECDSA signing key on P-256 (FIPS 186-4), as certificates and CMS signatures need it.
///
/// `@unchecked Sendable`: the key never changes after `init`, and OpenSSL locks its own reference counts.
public final class P256PrivateKey: @unchecked Sendable {
    let handle: OpaquePointer

    /// A fresh key.
    ///
    /// - Throws: `OpenSSLError`.
    public init() throws {
        ERR_clear_error()
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else {
            throw OpenSSLError("generate a P-256 key")
        }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard
            EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_keygen(context, &key) == 1,
            let key
        else { throw OpenSSLError("generate a P-256 key") }
        handle = key
    }

    /// Reads an unencrypted PKCS#8 key in PEM form.
    ///
    /// - Throws: `OpenSSLError` when it is no such key, or a key of another curve or algorithm.
    public init(pkcs8PEM: SecretBytes) throws {
        let bio = try pkcs8PEM.withUnsafeBytes { try MemoryBIO(reading: $0, isSecret: true) }
        // Without a callback of ours OpenSSL would ask the terminal for a passphrase.
        guard let key = PEM_read_bio_PrivateKey(bio.handle, nil, { _, _, _, _ in -1 }, nil) else {
            throw OpenSSLError("read the P-256 private key")
        }
        guard P256PrivateKey.isP256(key) else {
            EVP_PKEY_free(key)
            throw OpenSSLError("read the P-256 private key", reason: "it is a key of another kind")
        }
        // PKCS#8 carries the public key too, and OpenSSL believes it without comparing.
        let context = EVP_PKEY_CTX_new_from_pkey(nil, key, nil)
        defer { EVP_PKEY_CTX_free(context) }
        guard EVP_PKEY_pairwise_check(context) == 1 else {
            EVP_PKEY_free(key)
            ERR_clear_error()
            throw OpenSSLError("read the P-256 private key", reason: "its secret and public halves do not fit")
        }
        handle = key
    }

    deinit {
        EVP_PKEY_free(handle)
    }

    /// The key as unencrypted PKCS#8 in PEM form, as `openssl pkey` reads it.
    ///
    /// - Throws: `OpenSSLError`, `CryptographyError.noSecretMemory`.
    public func pkcs8PEM() throws -> SecretBytes {
        let bio = try MemoryBIO(isSecret: true)
        guard PEM_write_bio_PKCS8PrivateKey(bio.handle, handle, nil, nil, 0, nil, nil) == 1 else {
            throw OpenSSLError("write the P-256 private key")
        }
        return try bio.readSecret()
    }

    /// An ECDSA signature over the SHA-256 of `message`, DER; randomised, so each call gives another.
    ///
    /// - Throws: `OpenSSLError`.
    public func sign(_ message: [UInt8]) throws -> [UInt8] {
        ERR_clear_error()
        guard let context = EVP_MD_CTX_new() else { throw OpenSSLError("sign with P-256") }
        defer { EVP_MD_CTX_free(context) }
        var length = 0
        guard
            EVP_DigestSignInit(context, nil, EVP_sha256(), nil, handle) == 1,
            EVP_DigestSign(context, nil, &length, message, message.count) == 1
        else { throw OpenSSLError("sign with P-256") }
        var signature = [UInt8](repeating: 0, count: length)
        guard EVP_DigestSign(context, &signature, &length, message, message.count) == 1 else {
            throw OpenSSLError("sign with P-256")
        }
        return Array(signature[0..<length])
    }

    /// True for a key, private or public, on the curve P-256.
    static func isP256(_ key: OpaquePointer) -> Bool {
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_EC else { return false }
        var name = [CChar](repeating: 0, count: 80)
        var length = 0
        guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return false }
        return name.prefix(length).elementsEqual("prime256v1".utf8.map { CChar(bitPattern: $0) })
    }
}
