import AtomicFiles
import Cryptography
import Foundation

/// A consortium's certificate authority: a directory with its identity, its certificate, what it issued and revoked.
///
/// `ca.identity` is secret. `ca.pem`, `revoked.json` and `revoked.json.p7s` go to everybody who is to trust the members;
/// `issued/` keeps every certificate that was issued.
public struct CertificateAuthority {
    /// The identity's file in the directory.
    public static let identityName = "ca.identity"
    private static let issuedName = "issued"

    /// Where it lies.
    public let directory: String
    private let identity: Identity

    /// Makes a new authority in a new directory.
    ///
    /// - Parameters:
    ///   - passphrase: protects the identity; nil: nothing does.
    ///   - days: how long the authority's own certificate is valid.
    /// - Throws: `SealingError.badName`, `AtomicFileError`, `OpenSSLError`, `CryptographyError`.
    public static func create(
        directory: String,
        name: String,
        passphrase: SecretBytes?,
        days: Int = 3650,
        date: Date = Date()
    ) throws -> CertificateAuthority {
        let identity = try Identity.generate(name: name) { try Certificate.authority(for: $0, name: name, days: days) }
        let staged = try StagedDirectory(destination: directory)
        try identity.save(to: staged.path + "/" + identityName, passphrase: passphrase)
        try AtomicFile.write(try identity.certificate.pem(), to: staged.path + "/" + TrustedAuthority.certificateName)
        let authority = CertificateAuthority(directory: staged.path, identity: identity)
        try FileManager.default.createDirectory(
            atPath: staged.path + "/" + issuedName,
            withIntermediateDirectories: false
        )
        try authority.write([], number: 0, date: date)
        try staged.commit()
        return CertificateAuthority(directory: staged.destination, identity: identity)
    }

    private init(directory: String, identity: Identity) {
        self.directory = directory
        self.identity = identity
    }

    /// Opens an authority with its identity.
    ///
    /// - Throws: `SealingError.invalid` when the identity is no authority's.
    public init(opening directory: String, identity: Identity) throws {
        guard identity.certificate.isAuthority else {
            throw SealingError.invalid(
                what: "\(directory)/\(Self.identityName)",
                reason: "it is not the identity of a certificate authority; make one with fsot ca init"
            )
        }
        self.init(directory: directory, identity: identity)
    }

    /// The authority's own certificate.
    public var certificate: Certificate { identity.certificate }

    /// Issues a certificate over the key of a card, which has proven by its own signatures that its holder has the key.
    ///
    /// - Returns: the certificate, and where the authority keeps its copy.
    /// - Throws: `SealingError.invalid`, `OpenSSLError`, `AtomicFileError`.
    public func issue(to card: IdentityCard, days: Int) throws -> (certificate: Certificate, path: String) {
        guard card.name != identity.name else {
            throw SealingError.invalid(what: "The card of \(card.name)", reason: "it has the authority's own name")
        }
        guard !card.certificate.isAuthority else {
            throw SealingError.invalid(what: "The card of \(card.name)", reason: "it is a certificate authority's")
        }
        let certificate = try Certificate.issued(
            for: card.certificate,
            name: card.name,
            by: identity.certificate,
            key: identity.signingKey,
            days: days
        )
        let fingerprint = try certificate.fingerprint().hexadecimal
        let path = "\(directory)/\(Self.issuedName)/\(card.name)-\(fingerprint.prefix(16)).pem"
        try AtomicFile.write(try certificate.pem(), to: path)
        return (certificate, path)
    }

    /// Takes back a certificate that this authority issued.
    ///
    /// - Returns: the new list.
    /// - Throws: `SealingError.invalid` when another issued it or it is on the list already, `AtomicFileError`,
    ///   `OpenSSLError`.
    @discardableResult
    public func revoke(_ certificate: Certificate, reason: String, date: Date = Date()) throws -> RevocationList {
        let fingerprint = try certificate.fingerprint().hexadecimal
        guard certificate.isIssued(by: identity.certificate) else {
            throw SealingError.invalid(
                what: "The certificate of \(certificate.commonName)",
                reason: "\(identity.name) did not issue it"
            )
        }
        let path = directory + "/" + TrustedAuthority.revocationsName
        let content = try SecretBytes(readingFile: path, limit: 4 << 20)
        let list = try RevocationList(decoding: Data(content.exposed()), what: path)
        guard !list.revoked.contains(where: { $0.fingerprint == fingerprint }) else {
            throw SealingError.invalid(
                what: "The certificate of \(certificate.commonName)",
                reason: "it is revoked already"
            )
        }
        let entry = RevocationList.Entry(
            name: certificate.commonName,
            fingerprint: fingerprint,
            date: date.formatted(.iso8601),
            reason: reason
        )
        return try write(list.revoked + [entry], number: list.number + 1, date: date)
    }

    @discardableResult
    private func write(_ entries: [RevocationList.Entry], number: Int, date: Date) throws -> RevocationList {
        let list = RevocationList(
            authority: try identity.certificate.fingerprint().hexadecimal,
            number: number,
            date: date,
            revoked: entries
        )
        let bytes = try JSONFile.encode(list)
        let path = directory + "/" + TrustedAuthority.revocationsName
        let signature = try CMSSignature.sign(Array(bytes), by: identity)
        try AtomicFile.write(bytes, to: path)
        try AtomicFile.write(Data(signature), to: path + ".p7s")
        return list
    }
}
