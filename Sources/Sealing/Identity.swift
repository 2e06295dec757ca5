import AtomicFiles
import Cryptography
import Foundation

/// Somebody's three secret keys and certificate: what seals, signs and opens.
///
/// The X25519 key opens age files, the P-256 key signs manifests and reports (CMS), the Ed25519 key signs in the
/// federation's protocol. All secrets lie in guarded memory and are wiped.
public struct Identity: Sendable {
    /// 1 to 64 letters, digits, dots, underscores and hyphens.
    public let name: String
    /// When the keys were made, ISO 8601, UTC.
    public let created: String
    /// Opens what is sealed to this identity.
    public let age: AgeIdentity
    /// Signs manifests and reports.
    public let signingKey: P256PrivateKey
    /// The public half of `signingKey`: self-signed, or issued by a certificate authority.
    public let certificate: Certificate
    /// Signs protocol messages.
    public let ed25519: Ed25519SigningKey

    init(
        name: String,
        created: String,
        age: AgeIdentity,
        signingKey: P256PrivateKey,
        certificate: Certificate,
        ed25519: Ed25519SigningKey
    ) {
        self.name = name
        self.created = created
        self.age = age
        self.signingKey = signingKey
        self.certificate = certificate
        self.ed25519 = ed25519
    }

    /// Makes three fresh keys and a certificate that is valid for ten years, or for `days` days.
    ///
    /// - Throws: `SealingError.badName`, `OpenSSLError`, `CryptographyError.noSecretMemory`.
    public static func generate(name: String, days: Int = 3650) throws -> Identity {
        try generate(name: name) { try Certificate.selfSigned(for: $0, name: name, days: days) }
    }

    /// Makes three fresh keys under a certificate that `certify` issues over the P-256 key.
    static func generate(name: String, certify: (P256PrivateKey) throws -> Certificate) throws -> Identity {
        try checkName(name)
        let key = try P256PrivateKey()
        return Identity(
            name: name,
            created: Date().formatted(.iso8601),
            age: try AgeIdentity(),
            signingKey: key,
            certificate: try certify(key),
            ed25519: try Ed25519SigningKey()
        )
    }

    /// The same keys under another certificate: one that a certificate authority issued for this identity's card.
    ///
    /// - Throws: `SealingError.invalid` when it is for another key or name.
    public func carrying(_ certificate: Certificate) throws -> Identity {
        guard certificate.matches(signingKey), certificate.commonName == name, !certificate.isAuthority else {
            throw SealingError.invalid(
                what: "The certificate of \(certificate.commonName)",
                reason: "it was not issued for the key and the name of \(name)"
            )
        }
        return Identity(
            name: name,
            created: created,
            age: age,
            signingKey: signingKey,
            certificate: certificate,
            ed25519: ed25519
        )
    }

    /// The public half, signed by both signing keys.
    public var card: IdentityCard {
        get throws { try IdentityCard(of: self) }
    }

    /// Writes the identity with mode 0600; never over another file, because a lost identity opens nothing any more, unless
    /// it `replaces` its own file, which then changes at once or not at all.
    ///
    /// Without a passphrase the file is text that `age -d -i` reads as it is. With one it is JSON: Argon2id (3 passes,
    /// 256 MiB) and XChaCha20-Poly1305.
    ///
    /// - Throws: `AtomicFileError`, `CryptographyError`, `OpenSSLError`.
    public func save(to path: String, passphrase: SecretBytes? = nil, replaces: Bool = false) throws {
        if !replaces, access(path, F_OK) == 0 { throw AtomicFileError.alreadyExists(path: path) }
        let text = try plainText()
        let writer = try AtomicFileWriter(path: path, permissions: 0o600)
        if let passphrase {
            try writer.write(ProtectedIdentity(sealing: text, name: name, passphrase: passphrase).encoded())
        } else {
            try text.withUnsafeBytes { try writer.write($0) }
        }
        try writer.commit()
    }

    /// Reads an identity file.
    ///
    /// - Throws: `SealingError.passphraseNeeded`, `SealingError.wrongPassphrase`, `SealingError.malformed`,
    ///   `SealingError.unknownVersion`, `SealingError.unreadable`.
    public static func load(_ path: String, passphrase: SecretBytes? = nil) throws -> Identity {
        let content = try SecretBytes(readingFile: path, limit: 1 << 20)
        let isProtected = content.withUnsafeBytes { $0.first == UInt8(ascii: "{") }
        guard isProtected else { return try Identity(plainText: content, path: path) }
        // First what it is: a card given in its place needs no passphrase.
        let protected = try ProtectedIdentity(decoding: Data(content.exposed()), path: path)
        guard let passphrase else { throw SealingError.passphraseNeeded(path: path) }
        return try Identity(plainText: protected.open(with: passphrase, path: path), path: path)
    }

    /// - Throws: `SealingError.badName`.
    static func checkName(_ name: String) throws {
        let isValid =
            (1...64).contains(name.utf8.count) && !name.hasPrefix(".")
            && name.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "._-".utf8.contains($0)
            }
        if !isValid { throw SealingError.badName(name) }
    }
}

extension SecretBytes {
    /// The content of a file, at most `limit` bytes.
    convenience init(readingFile path: String, limit: Int) throws {
        let file = try OpenFile(reading: path)
        let size = try file.regularSize()
        guard size <= limit else {
            throw SealingError.malformed(what: path, reason: "it has more than \(limit) bytes")
        }
        try self.init(count: size) { buffer in
            guard try FileSource(file, range: 0..<size).readFully(into: buffer) == size else {
                throw SealingError.unreadable(path: path, reason: "it became shorter while it was read")
            }
        }
    }
}
