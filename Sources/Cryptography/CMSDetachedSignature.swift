import COpenSSL

/// Detached CMS signatures (RFC 5652): binary content, DER, ECDSA P-256 with SHA-256, the signer's certificate inside.
///
/// `openssl cms -verify -binary -inform DER -in X.p7s -content X -CAfile cert.pem` verifies the same bytes.
public enum CMSDetachedSignature {
    /// Signs `content`.
    ///
    /// - Parameters:
    ///   - content: at most 2 GiB, held in memory.
    ///   - key: must belong to `certificate`.
    /// - Returns: DER of about 900 bytes.
    /// - Throws: `OpenSSLError`.
    public static func sign(
        _ content: UnsafeRawBufferPointer,
        certificate: Certificate,
        key: P256PrivateKey
    ) throws -> [UInt8] {
        let bio = try MemoryBIO(reading: content)
        let flags = UInt32(CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL)
        guard let message = CMS_sign(nil, nil, nil, nil, flags) else { throw OpenSSLError("sign") }
        defer { CMS_ContentInfo_free(message) }
        guard
            CMS_add1_signer(message, certificate.handle, key.handle, EVP_sha256(), flags) != nil,
            CMS_final(message, bio.handle, nil, flags & ~UInt32(CMS_PARTIAL)) == 1
        else { throw OpenSSLError("sign as \(certificate.commonName)") }
        let output = try MemoryBIO()
        guard i2d_CMS_bio(output.handle, message) == 1 else { throw OpenSSLError("write the CMS signature") }
        return try output.readAll()
    }

    /// Verifies that `signature` over `content` was made by the owner of `certificate`, and by nobody else.
    ///
    /// Certificates inside the signature are not trusted: the signer is looked up by `certificate` alone. Dates are not
    /// looked at, since trust comes from knowing the certificate. The signature must be in the one form that
    /// ``sign(_:certificate:key:)`` and `openssl cms -sign` write, with exactly this certificate inside: no byte of it can
    /// change.
    ///
    /// - Throws: `OpenSSLError`.
    public static func verify(
        _ signature: [UInt8],
        over content: UnsafeRawBufferPointer,
        certificate: Certificate
    ) throws {
        let message = try CMSMessage(der: signature)
        try message.requireOneSHA256Signer()
        let bio = try MemoryBIO(reading: content)
        guard let certificates = OPENSSL_sk_new_null() else { throw OpenSSLError("verify the CMS signature") }
        // Frees the list only: the certificate stays ours.
        defer { OPENSSL_sk_free(certificates) }
        guard OPENSSL_sk_push(certificates, UnsafeRawPointer(certificate.handle)) == 1 else {
            throw OpenSSLError("verify the CMS signature")
        }
        let flags = UInt32(CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY)
        ERR_clear_error()
        guard CMS_verify(message.handle, certificates, nil, bio.handle, nil, flags) == 1 else {
            throw OpenSSLError("verify the CMS signature")
        }
        // The envelope around what is signed could otherwise change without notice: versions, the list of digests.
        guard try message.canonicalDER(signer: certificate) == signature else {
            throw OpenSSLError("verify the CMS signature", reason: "its envelope was changed")
        }
    }

    /// The certificate that the signature names as its signer's and carries inside.
    ///
    /// Says nothing about validity: call ``verify(_:over:certificate:)`` with it, then decide whether to trust it.
    ///
    /// - Throws: `OpenSSLError` unless there is exactly one certificate and one signer.
    public static func signerCertificate(in signature: [UInt8]) throws -> Certificate {
        let message = try CMSMessage(der: signature)
        try message.requireOneSHA256Signer()
        ERR_clear_error()
        guard let certificates = CMS_get1_certs(message.handle) else {
            throw OpenSSLError("find the signer", reason: "the CMS signature carries no certificate")
        }
        defer {
            while let rest = OPENSSL_sk_pop(certificates) { X509_free(OpaquePointer(rest)) }
            OPENSSL_sk_free(certificates)
        }
        guard OPENSSL_sk_num(certificates) == 1, let only = OPENSSL_sk_pop(certificates) else {
            throw OpenSSLError("find the signer", reason: "the CMS signature carries more than one certificate")
        }
        return try Certificate(owning: OpaquePointer(only))
    }
}
