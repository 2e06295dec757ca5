import Cryptography

/// A keyed commitment to the model that an emulator was made from.
///
/// A plain digest would let every reader of the manifest test which public model it is. The owner keeps the key and can
/// later prove, by showing it, what the emulator came from.
public enum BaseModelCommitment {
    /// Bytes of the key.
    public static let keyLength = 32

    /// `HMAC-SHA256(key, "fsot/base-model/1\n" ‖ SHA-256(file) ‖ …)` over the model's files in the given order.
    ///
    /// - Returns: 64 lower-case hexadecimal digits.
    /// - Throws: `SealingError.unreadable`, `OpenSSLError`.
    public static func make(files: [String], key: SecretBytes) throws -> String {
        make(digests: try files.map(digest(ofFile:)), key: key)
    }

    /// The same, from the SHA-256 of each file, 32 bytes.
    public static func make(digests: [[UInt8]], key: SecretBytes) -> String {
        let message = digests.reduce(Array("fsot/base-model/1\n".utf8), +)
        return HMACSHA256.code(for: message, key: key).hexadecimal
    }

    /// The SHA-256 of a file, 32 bytes.
    ///
    /// - Throws: `SealingError.unreadable`, `OpenSSLError`.
    public static func digest(ofFile path: String) throws -> [UInt8] {
        let source = try FileSource(path: path)
        let hash = try BulkSHA256()
        while try source.forEachPiece(of: 1 << 20, { try hash.update($0) }) {}
        return try hash.finalize()
    }
}
