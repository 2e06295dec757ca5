import AtomicFiles
import Cryptography
import Foundation

/// A certificate authority as those see it who trust it: its certificate, and what it has revoked.
public struct TrustedAuthority: Sendable {
    static let certificateName = "ca.pem"
    static let revocationsName = "revoked.json"

    /// The authority's own certificate.
    public let certificate: Certificate
    /// SHA-256 of the certificate's DER form.
    public let fingerprint: String
    /// What it has revoked.
    public let revocations: RevocationList

    /// Reads `ca.pem` with `revoked.json` and `revoked.json.p7s` beside it, and verifies the list.
    ///
    /// - Parameter path: the certificate, or the directory that these three files are in.
    /// - Throws: `SealingError.unreadable`, `.malformed`, `.wrongSigner`, `.unknownVersion`, `OpenSSLError`.
    public init(path: String) throws {
        var isDirectory: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        let file = isDirectory.boolValue ? path + "/" + Self.certificateName : path
        let list = AtomicFile.directory(of: file) + "/" + Self.revocationsName
        certificate = try Certificate(pem: String(decoding: try Self.read(file), as: UTF8.self))
        guard certificate.isAuthority, certificate.isSelfSigned else {
            throw SealingError.malformed(what: file, reason: "it is not the certificate of an authority")
        }
        fingerprint = try certificate.fingerprint().hexadecimal
        let bytes = try Self.read(list)
        let signature = try Self.read(list + ".p7s")
        let signer = try CMSSignature.verify(Array(signature), over: Array(bytes), what: list)
        revocations = try RevocationList(decoding: bytes, what: list)
        guard signer.fingerprint == fingerprint, revocations.authority == fingerprint else {
            throw SealingError.wrongSigner(
                what: list,
                expected: "\(certificate.commonName) (\(fingerprint.prefix(16))…)",
                actual: "\(signer.name) (\(signer.fingerprint.prefix(16))…)"
            )
        }
    }

    /// - Throws: `SealingError.notIssuedBy`, `.certificateRevoked`.
    func check(_ signer: Signer, _ certificate: Certificate, of what: String) throws {
        guard certificate.isIssued(by: self.certificate) else {
            throw SealingError.notIssuedBy(
                what: what,
                signer: signer.name,
                authority: self.certificate.commonName
            )
        }
        if let entry = revocations.revoked.first(where: { $0.fingerprint == signer.fingerprint }) {
            throw SealingError.certificateRevoked(
                what: what,
                signer: signer.name,
                date: String(entry.date.prefix(10)),
                reason: entry.reason
            )
        }
    }

    private static func read(_ path: String) throws -> Data {
        let content = try SecretBytes(readingFile: path, limit: 4 << 20)
        return Data(content.exposed())
    }
}
