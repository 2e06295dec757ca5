import Cryptography

/// Somebody an age file can be encrypted to: `age1…`, an X25519 public key.
public struct AgeRecipient: Hashable, Sendable, CustomStringConvertible {
    /// 32 bytes.
    public let publicKey: [UInt8]

    /// Takes the 32 bytes of an X25519 public key.
    init(publicKey: [UInt8]) {
        self.publicKey = publicKey
    }

    /// Reads `age1…`.
    ///
    /// - Throws: `SealingError.invalid`.
    public init(_ text: String) throws {
        guard let (prefix, bytes) = Bech32.decode(Array(text.utf8)), prefix == "age",
            bytes.count == X25519.keyLength, text.utf8.first == UInt8(ascii: "a")
        else { throw SealingError.invalid(what: "The age recipient \(text)", reason: "it is no age1… key") }
        publicKey = bytes
    }

    /// `age1…`.
    public var description: String {
        String(decoding: Bech32.encode(prefix: "age", bytes: publicKey), as: UTF8.self)
    }
}

/// An age identity: the X25519 secret key that opens age files.
public struct AgeIdentity: Sendable {
    let keyPair: X25519KeyPair

    /// A fresh identity.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public init() throws {
        keyPair = try X25519KeyPair()
    }

    /// Reads `AGE-SECRET-KEY-1…` from bytes, so that no `String` of the secret has to exist.
    ///
    /// - Throws: `SealingError.invalid`.
    public init(text: some Collection<UInt8>) throws {
        guard var decoded = Bech32.decode(text), text.first == UInt8(ascii: "A"),
            decoded.prefix == "age-secret-key-", decoded.bytes.count == X25519.keyLength
        else { throw SealingError.invalid(what: "The age identity", reason: "it is no AGE-SECRET-KEY-1… key") }
        keyPair = try X25519KeyPair(secretKey: SecretBytes(wiping: &decoded.bytes))
    }

    /// `AGE-SECRET-KEY-1…`, as `age-keygen` writes it; no line feed.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public func text() throws -> SecretBytes {
        var secret = keyPair.secretKey.exposed()
        defer { secret.wipe() }
        var text = Bech32.encode(prefix: "age-secret-key-", bytes: secret)
        for index in text.indices where (97...122).contains(text[index]) { text[index] -= 32 }
        return try SecretBytes(wiping: &text)
    }

    /// The public half.
    public var recipient: AgeRecipient { AgeRecipient(publicKey: keyPair.publicKey) }
}
