import Cryptography

/// Decrypts an age file, four chunks at a time; nothing comes out that was not authenticated.
///
/// The end of the plaintext is authentic too: `read` returns 0 only after the marked last chunk and the end of `source`.
public final class AgeDecryptor: ByteSource {
    private static let chunksAtOnce = 4
    private static let sealedLength = AgePayload.chunkLength + ChaCha20Poly1305.tagLength

    private let source: any ByteSource
    private let what: String
    private let cipher: BulkChaCha20Poly1305
    /// Number of entries in the header.
    public let recipientCount: Int
    /// One byte more than the chunks: it tells whether another follows.
    private let ciphertextBuffer = ByteBuffer(count: AgeDecryptor.chunksAtOnce * AgeDecryptor.sealedLength + 1)
    private let plaintextBuffer = ByteBuffer(count: AgeDecryptor.chunksAtOnce * AgePayload.chunkLength)
    private var ciphertext: UnsafeMutableRawBufferPointer { ciphertextBuffer.bytes }
    private var plaintext: UnsafeMutableRawBufferPointer { plaintextBuffer.bytes }
    private var held = 0
    private var ready = 0..<0
    private var number: UInt64 = 0
    private var isDone = false

    /// Reads the header and finds the file key.
    ///
    /// - Parameters:
    ///   - what: how errors name the file.
    ///   - holder: how errors name the identity.
    /// - Throws: `SealingError.notARecipient`, `SealingError.malformed`.
    public init(_ source: any ByteSource, identity: AgeIdentity, what: String, holder: String) throws {
        self.source = source
        self.what = what
        let header = try AgeHeader(from: source, what: what)
        recipientCount = header.stanzas.count
        var found: SecretBytes?
        for stanza in header.stanzas where found == nil {
            found = try stanza.unwrap(with: identity, of: what)
        }
        guard let fileKey = found else { throw SealingError.notARecipient(what: what, identity: holder) }
        guard try header.isAuthentic(under: fileKey) else {
            throw SealingError.malformed(what: what, reason: "its age header does not carry the right code")
        }
        let nonce = try source.read(AgePayload.nonceLength)
        guard nonce.count == AgePayload.nonceLength else {
            throw SealingError.malformed(what: what, reason: "it ends before its payload")
        }
        cipher = try BulkChaCha20Poly1305(key: AgePayload.key(fileKey, nonce: nonce), sealing: false)
    }

    /// See ``ByteSource``.
    ///
    /// - Throws: `SealingError.malformed` when the payload was changed, cut, reordered or extended.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while ready.isEmpty {
            if isDone || buffer.isEmpty { return 0 }
            try decryptChunks()
        }
        let count = min(buffer.count, ready.count)
        let end = ready.lowerBound + count
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: plaintext[ready.lowerBound..<end]))
        ready = end..<ready.upperBound
        return count
    }

    private func decryptChunks() throws {
        held += try source.readFully(into: UnsafeMutableRawBufferPointer(rebasing: ciphertext[held...]))
        let isEnd = held < ciphertext.count
        let available = isEnd ? held : held - 1
        var (offset, written) = (0, 0)
        // An empty payload still has its one chunk: a tag, or nothing, which is an error.
        repeat {
            let length = min(Self.sealedLength, available - offset)
            let isLast = isEnd && offset + length == available
            written += try decrypt(offset..<(offset + length), to: written, isLast: isLast)
            offset += length
            isDone = isLast
        } while offset < available
        ready = 0..<written
        held = isEnd ? 0 : 1
        if !isEnd { ciphertext[0] = ciphertext[available] }
    }

    private func decrypt(_ range: Range<Int>, to start: Int, isLast: Bool) throws -> Int {
        let length = max(0, range.count - ChaCha20Poly1305.tagLength)
        do {
            try cipher.open(
                UnsafeRawBufferPointer(rebasing: ciphertext[range]),
                into: UnsafeMutableRawBufferPointer(rebasing: plaintext[start..<(start + length)]),
                nonce: AgePayload.nonce(chunk: number, isLast: isLast)
            )
        } catch CryptographyError.notAuthentic {
            throw SealingError.malformed(
                what: what,
                reason: isLast ? "its payload was changed or cut short" : "its payload was changed"
            )
        }
        if isLast && length == 0 && number > 0 {
            throw SealingError.malformed(what: what, reason: "its last chunk is empty")
        }
        number += 1
        return length
    }
}
