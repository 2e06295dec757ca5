import Cryptography
import Foundation

/// An identity file under a passphrase: JSON around XChaCha20-Poly1305, keyed by Argon2id.
struct ProtectedIdentity: Codable {
    private static let formatName = "fsot-identity"
    /// Keeps a file from somebody else from asking for all memory, or for hours.
    private static let allowedMemory = 8 << 20...2 << 30
    private static let allowedPasses = 1...16

    let format: String
    let version: Int
    let name: String
    let derivation: String
    let passes: Int
    let memoryBytes: Int
    let salt: Data
    let cipher: String
    let nonce: Data
    let ciphertext: Data

    enum CodingKeys: String, CodingKey {
        case format
        case version
        case name
        case derivation
        case passes
        case memoryBytes = "memory_bytes"
        case salt
        case cipher
        case nonce
        case ciphertext
    }

    init(sealing text: SecretBytes, name: String, passphrase: SecretBytes) throws {
        let salt = SecureRandom.bytes(Argon2id.saltLength)
        let nonce = SecureRandom.bytes(XChaCha20Poly1305.nonceLength)
        let passes = Argon2id.defaultPasses
        let memoryBytes = Argon2id.defaultMemoryBytes
        let key = try Argon2id.derive(from: passphrase, salt: salt, passes: passes, memoryBytes: memoryBytes)
        let ciphertext = try XChaCha20Poly1305.seal(
            text,
            key: key,
            nonce: nonce,
            additionalData: Self.additionalData(name: name, passes: passes, memoryBytes: memoryBytes)
        )
        format = Self.formatName
        version = 1
        self.name = name
        derivation = "argon2id"
        self.passes = passes
        self.memoryBytes = memoryBytes
        self.salt = Data(salt)
        cipher = "xchacha20-poly1305"
        self.nonce = Data(nonce)
        self.ciphertext = Data(ciphertext)
    }

    /// - Throws: `SealingError.malformed`, `SealingError.unknownVersion`.
    init(decoding data: Data, path: String) throws {
        self = try JSONFile.decode(ProtectedIdentity.self, from: data, format: Self.formatName, what: path)
        guard
            derivation == "argon2id", cipher == "xchacha20-poly1305",
            Self.allowedMemory.contains(memoryBytes), Self.allowedPasses.contains(passes),
            salt.count == Argon2id.saltLength, nonce.count == XChaCha20Poly1305.nonceLength
        else { throw SealingError.malformed(what: path, reason: "its key derivation or cipher is not one of ours") }
    }

    func encoded() throws -> Data { try JSONFile.encode(self) }

    /// - Throws: `SealingError.wrongPassphrase`.
    func open(with passphrase: SecretBytes, path: String) throws -> SecretBytes {
        let key = try Argon2id.derive(
            from: passphrase,
            salt: Array(salt),
            passes: passes,
            memoryBytes: memoryBytes
        )
        do {
            return try XChaCha20Poly1305.openSecret(
                Array(ciphertext),
                key: key,
                nonce: Array(nonce),
                additionalData: Self.additionalData(name: name, passes: passes, memoryBytes: memoryBytes)
            )
        } catch CryptographyError.notAuthentic {
            throw SealingError.wrongPassphrase(path: path)
        }
    }

    private static func additionalData(name: String, passes: Int, memoryBytes: Int) -> [UInt8] {
        Array("fsot/identity/1\n\(name)\nargon2id \(passes) \(memoryBytes)\nxchacha20-poly1305\n".utf8)
    }
}
