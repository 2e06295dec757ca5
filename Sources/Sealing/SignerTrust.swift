import Cryptography
import Foundation

/// Whose seals are accepted.
public struct SignerTrust: Sendable {
    /// The one signer that is accepted; nil: any, as far as the rest of this goes.
    public var owner: IdentityCard?
    /// Who must have issued the signer's certificate; nil: nobody in particular.
    public var authority: TrustedAuthority?
    /// When certificates have to be valid.
    public var date: Date

    /// Accepts any signer whose certificate is valid, unless told otherwise.
    public init(owner: IdentityCard? = nil, authority: TrustedAuthority? = nil, date: Date = Date()) {
        self.owner = owner
        self.authority = authority
        self.date = date
    }

    /// Checks what can be said of a signer beside the signature itself and the owner's card.
    ///
    /// - Throws: `SealingError.certificateExpired`, `.certificateNotYetValid`, `.certificateRevoked`, `.notIssuedBy`,
    ///   `.malformed`.
    func check(_ signer: Signer, of what: String) throws {
        let certificate = try Certificate(pem: signer.certificatePEM)
        try Self.checkDates(of: certificate, at: date, what: what)
        if certificate.isAuthority {
            throw SealingError.malformed(
                what: what,
                reason: "it was signed by a certificate authority, not by an owner"
            )
        }
        if let authority {
            try Self.checkDates(of: authority.certificate, at: date, what: what)
            try authority.check(signer, certificate, of: what)
        }
    }

    static func checkDates(of certificate: Certificate, at date: Date, what: String) throws {
        guard let first = certificate.notBefore, let last = certificate.notAfter else {
            throw SealingError.malformed(what: what, reason: "the dates of its signer's certificate cannot be read")
        }
        let now = date.timeIntervalSince1970
        if now > Double(last) {
            throw SealingError.certificateExpired(
                what: what,
                signer: certificate.commonName,
                date: Self.day(last)
            )
        }
        if now < Double(first) {
            throw SealingError.certificateNotYetValid(
                what: what,
                signer: certificate.commonName,
                date: Self.day(first)
            )
        }
    }

    /// `2026-11-24`, UTC.
    static func day(_ seconds: Int) -> String {
        Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601.year().month().day())
    }
}
