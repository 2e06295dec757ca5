import COpenSSL

/// An X.509 certificate over a P-256 key.
///
/// `@unchecked Sendable`: never changed after `init`; OpenSSL locks its own caches.
public final class Certificate: @unchecked Sendable {
    let handle: OpaquePointer

    /// Takes ownership of `handle`; refuses keys other than P-256, because every signature of ours is made with one.
    init(owning handle: OpaquePointer) throws {
        guard let key = X509_get0_pubkey(handle), P256PrivateKey.isP256(key) else {
            X509_free(handle)
            throw OpenSSLError("use the certificate", reason: "its key is not a P-256 key")
        }
        self.handle = handle
    }

    /// Reads the first certificate of a PEM text.
    ///
    /// - Throws: `OpenSSLError`.
    public convenience init(pem: String) throws {
        let bio = try Array(pem.utf8).withUnsafeBytes { try MemoryBIO(reading: $0) }
        guard let handle = PEM_read_bio_X509(bio.handle, nil, nil, nil) else {
            throw OpenSSLError("read the certificate")
        }
        try self.init(owning: handle)
    }

    deinit {
        X509_free(handle)
    }

    /// The certificate in PEM form, ending in a line feed.
    ///
    /// - Throws: `OpenSSLError`.
    public func pem() throws -> String {
        let bio = try MemoryBIO()
        guard PEM_write_bio_X509(bio.handle, handle) == 1 else { throw OpenSSLError("write the certificate") }
        return String(decoding: try bio.readAll(), as: UTF8.self)
    }

    /// The certificate in DER form.
    ///
    /// - Throws: `OpenSSLError`.
    public func der() throws -> [UInt8] {
        let bio = try MemoryBIO()
        guard i2d_X509_bio(bio.handle, handle) == 1 else { throw OpenSSLError("write the certificate") }
        return try bio.readAll()
    }

    /// SHA-256 of the DER form, 32 bytes: what `openssl x509 -fingerprint -sha256` prints.
    ///
    /// - Throws: `OpenSSLError`.
    public func fingerprint() throws -> [UInt8] {
        SHA256.digest(try der())
    }

    /// The subject's common name; empty when there is none.
    public var commonName: String {
        guard let subject = X509_get_subject_name(handle) else { return "" }
        var index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard
            index >= 0,
            let entry = X509_NAME_get_entry(subject, index),
            let data = X509_NAME_ENTRY_get_data(entry)
        else { return "" }
        var text: UnsafeMutablePointer<UInt8>?
        index = ASN1_STRING_to_UTF8(&text, data)
        guard index >= 0, let text else { return "" }
        defer { CRYPTO_free(text, #file, #line) }
        return String(decoding: UnsafeBufferPointer(start: text, count: Int(index)), as: UTF8.self)
    }

    /// True when the certificate carries the public half of `key`.
    public func matches(_ key: P256PrivateKey) -> Bool {
        X509_get0_pubkey(handle).map { EVP_PKEY_eq($0, key.handle) == 1 } ?? false
    }

    /// True when the certificate's own key signed it.
    public var isSelfSigned: Bool {
        ERR_clear_error()
        return X509_get0_pubkey(handle).map { X509_verify(handle, $0) == 1 } ?? false
    }

    /// True when `signature` (ECDSA, DER) over the SHA-256 of `message` was made with the certificate's key.
    public func isValid(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        ERR_clear_error()
        guard let key = X509_get0_pubkey(handle), let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        guard EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}
