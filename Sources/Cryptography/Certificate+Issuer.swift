import COpenSSL

extension Certificate {
    /// True for a certificate that may issue others (CA:TRUE).
    public var isAuthority: Bool { X509_check_ca(handle) == 1 }

    /// True when the certificate names itself as its issuer; whether its own key signed it is ``isSelfSigned``.
    public var namesItselfAsIssuer: Bool {
        X509_NAME_cmp(X509_get_subject_name(handle), X509_get_issuer_name(handle)) == 0
    }

    /// True when `authority` may issue certificates, is named as this one's issuer, and its key signed this one.
    ///
    /// Says nothing about dates and revocation.
    public func isIssued(by authority: Certificate) -> Bool {
        ERR_clear_error()
        defer { ERR_clear_error() }
        guard authority.isAuthority, let key = X509_get0_pubkey(authority.handle) else { return false }
        return X509_check_issued(authority.handle, handle) == X509_V_OK && X509_verify(handle, key) == 1
    }

    /// The first second at which the certificate is valid, counted from 1970; nil when the date cannot be read.
    public var notBefore: Int? { Self.seconds(X509_get0_notBefore(handle)) }

    /// The last second at which the certificate is valid, counted from 1970; nil when the date cannot be read.
    public var notAfter: Int? { Self.seconds(X509_get0_notAfter(handle)) }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int? {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return timegm(&parts)
    }
}
