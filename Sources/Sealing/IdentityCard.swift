import AtomicFiles
import Cryptography
import Foundation

/// Somebody's public keys, signed by themselves: what others need in order to seal to them and to know their seals.
///
/// The two signatures show that one person holds all keys and that nothing was changed; that the person is who they say
/// must be learnt by comparing ``fingerprint`` with them.
public struct IdentityCard: Sendable {
    /// 1 to 64 letters, digits, dots, underscores and hyphens.
    public let name: String
    /// When the keys were made, ISO 8601, UTC.
    public let created: String
    /// Whom to encrypt to.
    public let recipient: AgeRecipient
    /// Verifies CMS signatures; self-signed, or issued by a certificate authority.
    public let certificate: Certificate
    /// Verifies protocol messages; 32 bytes.
    public let ed25519PublicKey: [UInt8]
    /// SHA-256 of the certificate's DER form, 64 lower-case hexadecimal digits.
    public let fingerprint: String
    private let signatures: CardFile.Signatures

    /// The card of `identity`; the P-256 signature is randomised, so each call gives another, equally valid, file.
    ///
    /// - Throws: `OpenSSLError`, `CryptographyError`.
    init(of identity: Identity) throws {
        name = identity.name
        created = identity.created
        recipient = identity.age.recipient
        certificate = identity.certificate
        ed25519PublicKey = identity.ed25519.publicKey
        fingerprint = try identity.certificate.fingerprint().hexadecimal
        let message = Self.message(name, created, recipient, fingerprint, ed25519PublicKey)
        signatures = CardFile.Signatures(
            ed25519: Data(try identity.ed25519.sign(message)),
            p256: Data(try identity.signingKey.sign(message))
        )
    }

    /// Reads a card file and verifies both signatures.
    ///
    /// - Throws: `SealingError.malformed`, `SealingError.unknownVersion`, `SealingError.unreadable`.
    public init(path: String) throws {
        let content = try SecretBytes(readingFile: path, limit: 1 << 16)
        try self.init(decoding: Data(content.exposed()), what: path)
    }

    /// Reads a card and verifies both signatures; `what` is how errors name it.
    ///
    /// - Throws: `SealingError.malformed`, `SealingError.unknownVersion`.
    public init(decoding data: Data, what: String) throws {
        let file = try JSONFile.decode(CardFile.self, from: data, format: CardFile.formatName, what: what)
        func failure(_ reason: String) -> SealingError { .malformed(what: what, reason: reason) }
        do {
            try Identity.checkName(file.name)
            recipient = try AgeRecipient(file.ageRecipient)
            certificate = try Certificate(pem: file.certificate)
            fingerprint = try certificate.fingerprint().hexadecimal
        } catch {
            throw failure("one of its keys or its name is not valid")
        }
        guard try certificate.pem() == file.certificate, !file.created.utf8.contains(10) else {
            throw failure("its certificate or date is not written as it should be")
        }
        name = file.name
        created = file.created
        ed25519PublicKey = Array(file.ed25519PublicKey)
        signatures = file.signatures
        let message = Self.message(name, created, recipient, fingerprint, ed25519PublicKey)
        guard
            certificate.isSelfSigned || !certificate.namesItselfAsIssuer, certificate.commonName == name,
            certificate.isValid(Array(signatures.p256), of: message),
            Ed25519.isValid(Array(signatures.ed25519), of: message, publicKey: ed25519PublicKey)
        else { throw failure("its signatures do not fit its content") }
    }

    /// The card as JSON.
    public func encoded() throws -> Data {
        try JSONFile.encode(
            CardFile(
                format: CardFile.formatName,
                version: 1,
                name: name,
                created: created,
                ageRecipient: recipient.description,
                certificate: try certificate.pem(),
                ed25519PublicKey: Data(ed25519PublicKey),
                signatures: signatures
            )
        )
    }

    /// Writes the card.
    ///
    /// - Throws: `AtomicFileError`, `OpenSSLError`.
    public func save(to path: String) throws {
        try AtomicFile.write(encoded(), to: path)
    }

    /// What both keys sign: one line a field, so no two cards have one text.
    private static func message(
        _ name: String,
        _ created: String,
        _ recipient: AgeRecipient,
        _ fingerprint: String,
        _ ed25519: [UInt8]
    ) -> [UInt8] {
        Array("fsot/card/1\n\(name)\n\(created)\n\(recipient)\n\(fingerprint)\n\(ed25519.hexadecimal)\n".utf8)
    }
}

private struct CardFile: Codable {
    static let formatName = "fsot-card"

    struct Signatures: Codable, Sendable {
        let ed25519: Data
        let p256: Data
    }

    let format: String
    let version: Int
    let name: String
    let created: String
    let ageRecipient: String
    let certificate: String
    let ed25519PublicKey: Data
    let signatures: Signatures

    enum CodingKeys: String, CodingKey {
        case format
        case version
        case name
        case created
        case ageRecipient = "age_recipient"
        case certificate
        case ed25519PublicKey = "ed25519_public_key"
        case signatures
    }
}
