/// Why a cryptographic operation was refused.
public enum CryptographyError: Error, Equatable, CustomStringConvertible {
    /// A key, nonce, salt or signature does not have the length that the primitive demands.
    case wrongLength(of: String, expected: Int, actual: Int)
    /// The system gave no guarded memory for a secret of `count` bytes.
    case noSecretMemory(count: Int)
    /// The peer's X25519 public key has low order: the shared secret would be all zeros.
    case lowOrderPublicKey
    /// A ciphertext does not carry the tag that its key, nonce and additional data demand.
    case notAuthentic
    /// A signature does not fit its message and public key.
    case badSignature
    /// A derivation was asked for a parameter outside the primitive's range.
    case outOfRange(parameter: String, value: String, allowed: String)
    /// A password derivation could not get the memory that its cost demands.
    case passwordDerivationFailed(memoryBytes: Int)
    /// A primitive refused for a reason that it does not give.
    case failed(operation: String)

    /// One sentence that says what to do.
    public var description: String {
        switch self {
        case .wrongLength(let what, let expected, let actual):
            return "The \(what) has \(actual) bytes instead of \(expected); use the value as it was issued."
        case .noSecretMemory(let count):
            return
                "The system gave no guarded memory for a secret of \(count) bytes; free memory or raise the limit on "
                + "memory maps (vm.max_map_count)."
        case .lowOrderPublicKey:
            return "The peer's X25519 public key has low order, which honest software never sends; refuse that peer."
        case .notAuthentic:
            return "The ciphertext was changed or belongs to another key; obtain it again from its sender."
        case .badSignature:
            return "The signature does not fit the message and the public key; obtain both again from the signer."
        case .outOfRange(let parameter, let value, let allowed):
            return "\(parameter) is \(value), but must be \(allowed)."
        case .passwordDerivationFailed(let memoryBytes):
            return
                "The password could not be turned into a key within \(memoryBytes >> 20) MiB; free memory and try again."
        case .failed(let operation):
            return "libsodium refused to \(operation); check the installation of libsodium."
        }
    }

    /// Throws `wrongLength` unless `actual == expected`.
    static func check(_ what: String, _ actual: Int, _ expected: Int) throws {
        if actual != expected { throw CryptographyError.wrongLength(of: what, expected: expected, actual: actual) }
    }
}
