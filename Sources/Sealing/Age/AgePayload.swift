import Cryptography

/// The nonces and sizes of age's payload: 64 KiB chunks, numbered, the last one marked (the STREAM construction).
enum AgePayload {
    static let chunkLength = 64 << 10
    static let nonceLength = 16

    static func key(_ fileKey: SecretBytes, nonce: [UInt8]) throws -> SecretBytes {
        try HKDFSHA256.derive(from: fileKey, salt: nonce, info: Array("payload".utf8))
    }

    /// Eleven bytes of counter, highest first, and the mark of the last chunk.
    static func nonce(chunk: UInt64, isLast: Bool) -> [UInt8] {
        [0, 0, 0] + withUnsafeBytes(of: chunk.bigEndian) { [UInt8]($0) } + [isLast ? 1 : 0]
    }
}

/// Encrypts what is written into it and hands the age file on, chunk by chunk.
public final class AgeEncryptor: ByteSink {
    private let sink: any ByteSink
    private let key: SecretBytes
    private var chunk = [UInt8]()
    private var number: UInt64 = 0

    /// Writes the header, with one entry a recipient, to `sink`.
    ///
    /// - Throws: `SealingError.noRecipients`, `CryptographyError`, and what `sink` throws.
    public init(to recipients: [AgeRecipient], sink: any ByteSink) throws {
        guard !recipients.isEmpty else { throw SealingError.noRecipients }
        self.sink = sink
        let fileKey = try SecretBytes.random(count: AgeStanza.fileKeyLength)
        let stanzas = try recipients.map { try AgeStanza.wrap(fileKey, to: $0) }
        let nonce = SecureRandom.bytes(AgePayload.nonceLength)
        key = try AgePayload.key(fileKey, nonce: nonce)
        chunk.reserveCapacity(AgePayload.chunkLength)
        try sink.write(AgeHeader(stanzas: stanzas, fileKey: fileKey).bytes + nonce)
    }

    deinit { chunk.wipe() }

    /// Takes plaintext.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            // A full chunk waits for the next byte: only then is it known not to be the last.
            if chunk.count == AgePayload.chunkLength { try flush(isLast: false) }
            let taken = rest.prefix(AgePayload.chunkLength - chunk.count)
            chunk.append(contentsOf: taken)
            rest = rest.dropFirst(taken.count)
        }
    }

    /// Writes the last chunk; without it the file does not decrypt.
    public func finish() throws {
        try flush(isLast: true)
    }

    private func flush(isLast: Bool) throws {
        try sink.write(
            ChaCha20Poly1305.seal(chunk, key: key, nonce: AgePayload.nonce(chunk: number, isLast: isLast))
        )
        chunk.removeAll(keepingCapacity: true)
        number += 1
    }
}

/// Decrypts an age file, chunk by chunk; nothing comes out that was not authenticated.
///
/// The end of the plaintext is authentic too: `read` returns 0 only after the marked last chunk and the end of `source`.
public final class AgeDecryptor: ByteSource {
    private let source: any ByteSource
    private let what: String
    private let key: SecretBytes
    /// Number of entries in the header.
    public let recipientCount: Int
    private var plaintext: ArraySlice<UInt8> = []
    private var lookahead: [UInt8]
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
        key = try AgePayload.key(fileKey, nonce: nonce)
        lookahead = try source.read(1)
    }

    /// See ``ByteSource``.
    ///
    /// - Throws: `SealingError.malformed` when the payload was changed, cut, reordered or extended.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while plaintext.isEmpty {
            if isDone || buffer.isEmpty { return 0 }
            try decryptChunk()
        }
        let count = min(buffer.count, plaintext.count)
        buffer.copyBytes(from: plaintext.prefix(count))
        plaintext = plaintext.dropFirst(count)
        return count
    }

    private func decryptChunk() throws {
        let full = AgePayload.chunkLength + ChaCha20Poly1305.tagLength
        // One byte more than the chunk tells whether another follows.
        let bytes = lookahead + (try source.read(full + 1 - lookahead.count))
        let isLast = bytes.count <= full
        let chunk = isLast ? bytes : Array(bytes[..<full])
        lookahead = isLast ? [] : [bytes[full]]
        let opened: [UInt8]
        do {
            opened = try ChaCha20Poly1305.open(
                chunk,
                key: key,
                nonce: AgePayload.nonce(chunk: number, isLast: isLast)
            )
        } catch CryptographyError.notAuthentic {
            throw SealingError.malformed(
                what: what,
                reason: isLast ? "its payload was changed or cut short" : "its payload was changed"
            )
        }
        if isLast && opened.isEmpty && number > 0 {
            throw SealingError.malformed(what: what, reason: "its last chunk is empty")
        }
        plaintext = opened[...]
        number += 1
        isDone = isLast
    }
}
