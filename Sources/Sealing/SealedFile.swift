import AtomicFiles
import Cryptography

/// A file that only named recipients can read: age v1, as `age -d -i` opens it. Who wrote it is not proven; where that
/// matters, sign it.
public enum SealedFile {
    /// Writes the file, whole or not at all.
    ///
    /// - Parameters:
    ///   - path: replaced when it exists.
    ///   - recipients: who can read it.
    ///   - body: writes the plaintext.
    /// - Throws: `SealingError.noRecipients`, `AtomicFileError`, `CryptographyError`, and what `body` throws.
    public static func write(
        to path: String,
        for recipients: [AgeRecipient],
        body: (any ByteSink) throws -> Void
    ) throws {
        let sink = AtomicSink(try AtomicFileWriter(path: path, permissions: 0o600))
        let encryptor = try AgeEncryptor(to: recipients, sink: sink)
        try body(encryptor)
        try encryptor.finish()
        try sink.finish()
    }

    /// Decrypts the file into memory.
    ///
    /// - Throws: `SealingError.notARecipient`, `.malformed`, `.unreadable`, `.invalid` without memory for it.
    public static func open(_ path: String, identity: Identity) throws -> PlainFile {
        let file = try OpenFile(reading: path)
        let size = try file.regularSize()
        let decryptor = try AgeDecryptor(
            FileSource(file, range: 0..<size),
            identity: identity.age,
            what: path,
            holder: identity.name
        )
        return try PlainFile(of: decryptor, limit: size, what: path)
    }
}
