import Cryptography

/// One recipient's entry in an age header: `-> X25519 …` and the wrapped file key.
struct AgeStanza: Equatable {
    let arguments: [String]
    let body: [UInt8]

    private static let wrapInfo = Array("age-encryption.org/v1/X25519".utf8)
    private static let zeroNonce = [UInt8](repeating: 0, count: ChaCha20Poly1305.nonceLength)
    static let fileKeyLength = 16

    /// Wraps the file key under a fresh ephemeral key (age specification, "The X25519 recipient type").
    static func wrap(_ fileKey: SecretBytes, to recipient: AgeRecipient) throws -> AgeStanza {
        let ephemeral = try X25519KeyPair()
        let shared = try X25519.sharedSecret(ephemeral.secretKey, with: recipient.publicKey)
        let key = try HKDFSHA256.derive(
            from: shared,
            salt: ephemeral.publicKey + recipient.publicKey,
            info: wrapInfo
        )
        let share = String(decoding: Base64.encode(ephemeral.publicKey, padded: false), as: UTF8.self)
        return AgeStanza(
            arguments: ["X25519", share],
            body: try ChaCha20Poly1305.seal(fileKey, key: key, nonce: zeroNonce)
        )
    }

    /// The file key when this entry is `identity`'s; nil when it is somebody else's.
    ///
    /// - Throws: `SealingError.malformed` for an X25519 entry that the specification forbids.
    func unwrap(with identity: AgeIdentity, of what: String) throws -> SecretBytes? {
        guard arguments.first == "X25519" else { return nil }
        guard
            arguments.count == 2,
            let share = Base64.decode(Array(arguments[1].utf8), padded: false), share.count == X25519.keyLength,
            body.count == Self.fileKeyLength + ChaCha20Poly1305.tagLength
        else { throw SealingError.malformed(what: what, reason: "an X25519 entry of its age header is not valid") }
        let shared: SecretBytes
        do {
            shared = try X25519.sharedSecret(identity.keyPair.secretKey, with: share)
        } catch CryptographyError.lowOrderPublicKey {
            throw SealingError.malformed(what: what, reason: "an X25519 entry of its age header has a low-order key")
        }
        let key = try HKDFSHA256.derive(
            from: shared,
            salt: share + identity.recipient.publicKey,
            info: Self.wrapInfo
        )
        do {
            return try ChaCha20Poly1305.openSecret(body, key: key, nonce: Self.zeroNonce)
        } catch CryptographyError.notAuthentic {
            return nil
        }
    }
}
