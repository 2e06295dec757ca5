import AtomicFiles
import Cryptography
import Foundation
import Sealing

/// An invitation with the owner's signature: a tar of `invite.json` and `invite.p7s`, so that `tar` and `openssl cms -verify` open
/// it without us.
public struct SignedInvitation: Sendable {
    private static let contentName = "invite.json"
    private static let signatureName = "invite.p7s"

    /// What was signed.
    public let content: Invitation
    /// SHA-256 of `invite.json`, hexadecimal: what everybody compares.
    public let digest: String
    /// The certificate that signed.
    public let signer: Signer
    private let bytes: [UInt8]
    private let signature: [UInt8]

    /// Signs.
    ///
    /// - Throws: `FederationError.invalidConfiguration` when somebody else than the owner signs; `OpenSSLError`.
    public init(_ content: Invitation, signedBy owner: Identity) throws {
        guard try content.ownerCard().fingerprint == owner.card.fingerprint else {
            throw FederationError.invalidConfiguration(
                reason: "The consortium \(content.name) belongs to another owner than \(owner.name)",
                remedy: "give the identity that created it"
            )
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let bytes = Array(try encoder.encode(content)) + [UInt8(ascii: "\n")]
        try self.init(bytes: bytes, signature: CMSSignature.sign(bytes, by: owner), path: Self.contentName)
    }

    /// Reads a file and checks the signature, every card in it, and that they fit together.
    ///
    /// - Throws: `FederationError.invalidInvitation`, `SealingError`.
    public init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw FederationError.invalidInvitation(path: path, reason: "there is no such file; check the path")
        }
        guard data.count <= 16 << 20 else {
            throw FederationError.invalidInvitation(path: path, reason: "it is too long for an invitation")
        }
        let tar = TarReader(MemorySource(Array(data)), what: path)
        var parts: [String: [UInt8]] = [:]
        while let entry = try tar.next() {
            guard [Self.contentName, Self.signatureName].contains(entry.name), parts[entry.name] == nil else {
                throw FederationError.invalidInvitation(
                    path: path,
                    reason: "it holds \(entry.name), which is not part of one"
                )
            }
            parts[entry.name] = try tar.readContent(limit: 16 << 20)
        }
        guard let bytes = parts[Self.contentName], let signature = parts[Self.signatureName] else {
            throw FederationError.invalidInvitation(
                path: path,
                reason: "it lacks \(Self.contentName) or \(Self.signatureName); ask the owner for it again"
            )
        }
        try self.init(bytes: bytes, signature: signature, path: path)
    }

    private init(bytes: [UInt8], signature: [UInt8], path: String) throws {
        let signer = try CMSSignature.verify(signature, over: bytes, what: path)
        guard let content = try? JSONDecoder().decode(Invitation.self, from: Data(bytes)),
            content.format == Invitation.currentFormat
        else {
            throw FederationError.invalidInvitation(
                path: path,
                reason: "it is not an invitation that this version of fsot reads; update fsot"
            )
        }
        try content.check()
        guard try content.ownerCard().fingerprint == signer.fingerprint else {
            throw FederationError.invalidInvitation(
                path: path,
                reason: "it was signed by \(signer.name), who is not the owner that it names"
            )
        }
        self.content = content
        self.bytes = bytes
        self.signature = signature
        self.signer = signer
        digest = SHA256.digest(bytes).hexadecimal
    }

    /// Writes the file, whole or not at all.
    ///
    /// - Throws: `AtomicFileError`.
    public func write(to path: String) throws {
        let sink = MemorySink()
        let tar = TarWriter(sink)
        for (name, content) in [(Self.contentName, bytes), (Self.signatureName, signature)] {
            try tar.append(name: name, size: content.count, from: MemorySource(content))
        }
        try tar.finish()
        try AtomicFile.write(Data(sink.bytes), to: path)
    }

    /// Words for the telephone.
    public var words: String { FingerprintWords.of(digest) }
}
