import COpenSSL

/// A parsed CMS structure; freed with the object.
final class CMSMessage {
    let handle: OpaquePointer

    /// Parses DER and refuses bytes after it.
    init(der: [UInt8]) throws {
        let bio = try der.withUnsafeBytes { try MemoryBIO(reading: $0) }
        guard let handle = d2i_CMS_bio(bio.handle, nil) else { throw OpenSSLError("read the CMS signature") }
        self.handle = handle
        guard bio.count == 0 else {
            throw OpenSSLError("read the CMS signature", reason: "\(bio.count) bytes follow it")
        }
        // A content inside would be what OpenSSL checks, instead of the content that we were given.
        guard CMS_is_detached(handle) == 1 else {
            throw OpenSSLError("read the CMS signature", reason: "it is not detached from its content")
        }
    }

    deinit {
        CMS_ContentInfo_free(handle)
    }

    /// - Throws: `OpenSSLError` unless this is SignedData with one signer, whose digest is SHA-256.
    func requireOneSHA256Signer() throws {
        let signer = try onlySigner()
        var digest: UnsafeMutablePointer<X509_ALGOR>?
        CMS_SignerInfo_get0_algs(signer, nil, nil, &digest, nil)
        guard let digest, OBJ_obj2nid(digest.pointee.algorithm) == NID_sha256 else {
            throw OpenSSLError("read the CMS signature", reason: "its digest is not SHA-256")
        }
    }

    private func onlySigner() throws -> OpaquePointer {
        ERR_clear_error()
        guard
            OBJ_obj2nid(CMS_get0_type(handle)) == NID_pkcs7_signed,
            let signers = CMS_get0_SignerInfos(handle),
            OPENSSL_sk_num(signers) == 1,
            let signer = OPENSSL_sk_value(signers, 0)
        else { throw OpenSSLError("read the CMS signature", reason: "it does not have exactly one signer") }
        return OpaquePointer(signer)
    }

    /// The encoding (RFC 5652, 5.1) that the signed attributes and the signature value have when the rest is as we write
    /// it: version 1, SHA-256, no content, `signer` as the only certificate and named by issuer and serial number.
    func canonicalDER(signer certificate: Certificate) throws -> [UInt8] {
        let signer = try onlySigner()
        var attributes = [UInt8]()
        for index in 0..<max(0, CMS_signed_get_attr_count(signer)) {
            attributes += try encode { i2d_X509_ATTRIBUTE(CMS_signed_get_attr(signer, index), $0) }
        }
        guard let value = CMS_SignerInfo_get0_signature(signer), let start = ASN1_STRING_get0_data(value) else {
            throw OpenSSLError("read the CMS signature")
        }
        let signature = [UInt8](UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(value))))
        let issuer = try encode { i2d_X509_NAME(X509_get_issuer_name(certificate.handle), $0) }
        let serial = try encode { i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate.handle), $0) }
        let one: [UInt8] = [0x02, 1, 1]
        let sha256 = Self.wrap(0x30, try Self.identifier(NID_sha256))
        let signerInfo =
            one + Self.wrap(0x30, issuer + serial) + sha256 + Self.wrap(0xa0, attributes)
            + Self.wrap(0x30, try Self.identifier(NID_ecdsa_with_SHA256)) + Self.wrap(0x04, signature)
        let signedData =
            one + Self.wrap(0x31, sha256) + Self.wrap(0x30, try Self.identifier(NID_pkcs7_data))
            + Self.wrap(0xa0, try certificate.der()) + Self.wrap(0x31, Self.wrap(0x30, signerInfo))
        return Self.wrap(
            0x30,
            try Self.identifier(NID_pkcs7_signed) + Self.wrap(0xa0, Self.wrap(0x30, signedData))
        )
    }

    private static func identifier(_ kind: Int32) throws -> [UInt8] {
        try encode { i2d_ASN1_OBJECT(OBJ_nid2obj(kind), $0) }
    }

    /// A DER value: tag, length in the shortest form, content.
    private static func wrap(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        if content.count < 128 { return [tag, UInt8(content.count)] + content }
        let length = withUnsafeBytes(of: UInt64(content.count).bigEndian) { Array($0.drop { $0 == 0 }) }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }
}

/// Calls one of OpenSSL's `i2d` functions and owns what it allocates.
private func encode(_ body: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32) throws -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = body(&bytes)
    guard count >= 0, let bytes else { throw OpenSSLError("encode a part of the CMS signature") }
    defer { CRYPTO_free(bytes, #file, #line) }
    return [UInt8](UnsafeBufferPointer(start: bytes, count: Int(count)))
}
