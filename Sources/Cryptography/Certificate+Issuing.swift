import COpenSSL

extension Certificate {
    /// Issues a certificate over `key`, signed by `key` itself with SHA-256.
    ///
    /// It carries CA:FALSE, keyUsage digitalSignature, no extended key usage, and the subject alternative name
    /// `urn:fsot:<name>`: what `openssl cms -verify -CAfile` accepts of a trusted signer. It is valid from an hour ago,
    /// because clocks differ, for `days` days.
    ///
    /// - Parameter name: letters, digits, `.`, `_` and `-`, at most 64: X.509's limit on a common name, and nothing
    ///   that the extension's own syntax would read.
    /// - Throws: `OpenSSLError`.
    public static func selfSigned(for key: P256PrivateKey, name: String, days: Int = 3650) throws -> Certificate {
        try make(name: name, publicKey: key.handle, issuer: nil, key: key, days: days, extensions: memberExtensions)
    }

    /// Issues a certificate authority's own certificate: CA:TRUE, and keyUsage keyCertSign and digitalSignature.
    ///
    /// - Throws: `OpenSSLError`; see ``selfSigned(for:name:days:)``.
    public static func authority(for key: P256PrivateKey, name: String, days: Int = 3650) throws -> Certificate {
        let extensions = [
            (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
            (NID_key_usage, "critical,keyCertSign,digitalSignature"),
        ]
        return try make(name: name, publicKey: key.handle, issuer: nil, key: key, days: days, extensions: extensions)
    }

    /// Issues a certificate over the key of `request`, signed by an authority.
    ///
    /// - Parameters:
    ///   - request: a self-signed certificate: its signature proves that its holder has the key.
    ///   - name: see ``selfSigned(for:name:days:)``.
    ///   - authority: issues; has to be a certificate authority's.
    ///   - key: the authority's.
    /// - Throws: `OpenSSLError`.
    public static func issued(
        for request: Certificate,
        name: String,
        by authority: Certificate,
        key: P256PrivateKey,
        days: Int
    ) throws -> Certificate {
        guard authority.isAuthority, authority.matches(key) else {
            throw OpenSSLError(
                "issue the certificate of \(name)",
                reason: "\(authority.commonName) is no certificate authority"
            )
        }
        return try make(
            name: name,
            publicKey: X509_get0_pubkey(request.handle),
            issuer: authority,
            key: key,
            days: days,
            extensions: memberExtensions + [(NID_authority_key_identifier, "keyid")]
        )
    }

    private static let memberExtensions = [
        (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
    ]

    private static func make(
        name: String,
        publicKey: OpaquePointer?,
        issuer: Certificate?,
        key: P256PrivateKey,
        days: Int,
        extensions: [(Int32, String)]
    ) throws -> Certificate {
        guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(isNameByte) else {
            throw OpenSSLError(
                "issue a certificate for \"\(name)\"",
                reason: "a name has 1 to 64 letters, digits, dots, underscores and hyphens"
            )
        }
        ERR_clear_error()
        let failure = "issue the certificate of \(name)"
        guard let handle = X509_new() else { throw OpenSSLError(failure) }
        do {
            guard
                X509_set_version(handle, 2) == 1,
                setRandomSerial(handle),
                X509_gmtime_adj(X509_getm_notBefore(handle), -3600) != nil,
                X509_time_adj_ex(X509_getm_notAfter(handle), Int32(clamping: days), 0, nil) != nil,
                X509_set_pubkey(handle, publicKey) == 1,
                let subject = X509_get_subject_name(handle),
                X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, Int32(name.utf8.count), -1, 0) == 1,
                X509_set_issuer_name(handle, issuer.map { X509_get_subject_name($0.handle) } ?? subject) == 1
            else { throw OpenSSLError(failure) }
            var context = X509V3_CTX()
            X509V3_set_ctx(&context, issuer?.handle ?? handle, handle, nil, nil, 0)
            let named = [(NID_subject_key_identifier, "hash"), (NID_subject_alt_name, "URI:urn:fsot:\(name)")]
            for (kind, value) in extensions + named {
                guard let addition = X509V3_EXT_conf_nid(nil, &context, kind, value) else {
                    throw OpenSSLError(failure)
                }
                defer { X509_EXTENSION_free(addition) }
                guard X509_add_ext(handle, addition, -1) == 1 else { throw OpenSSLError(failure) }
            }
            guard X509_sign(handle, key.handle, EVP_sha256()) > 0 else { throw OpenSSLError(failure) }
        } catch {
            X509_free(handle)
            throw error
        }
        return try Certificate(owning: handle)
    }

    /// 128 random bits with the top bit clear and the next one set: positive, and always 16 bytes long.
    private static func setRandomSerial(_ handle: OpaquePointer) -> Bool {
        var bytes = SecureRandom.bytes(16)
        bytes[0] = bytes[0] & 0x7f | 0x40
        guard let number = BN_bin2bn(bytes, Int32(bytes.count), nil) else { return false }
        defer { BN_free(number) }
        return BN_to_ASN1_INTEGER(number, X509_get_serialNumber(handle)) != nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            return true
        default:
            return false
        }
    }
}
