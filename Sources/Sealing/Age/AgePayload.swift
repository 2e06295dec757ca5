import Cryptography

/// The nonces and sizes of age's payload: 64 KiB chunks, numbered, the last one marked (the STREAM construction).
enum AgePayload {
    static let chunkLength = 64 << 10
    static let nonceLength = 16

    static func key(_ fileKey: SecretBytes, nonce: [UInt8]) throws -> SecretBytes {
        try HKDFSHA256.derive(from: fileKey, salt: nonce, info: Array("payload".utf8))
    }

    /// Bytes of an age file around `length` bytes of plaintext: header, nonce, and a tag a chunk.
    static func fileLength(of length: Int, headerLength: Int) -> Int {
        let chunks = max(1, (length + chunkLength - 1) / chunkLength)
        return headerLength + nonceLength + length + chunks * ChaCha20Poly1305.tagLength
    }

    /// Eleven bytes of counter, highest first, and the mark of the last chunk.
    static func nonce(chunk: UInt64, isLast: Bool) -> [UInt8] {
        [0, 0, 0] + withUnsafeBytes(of: chunk.bigEndian) { [UInt8]($0) } + [isLast ? 1 : 0]
    }
}

/// Encrypts what is written into it and hands the age file on, four chunks at a time.
public final class AgeEncryptor: ByteSink {
    private static let chunksAtOnce = 4
    private static let sealedLength = AgePayload.chunkLength + ChaCha20Poly1305.tagLength

    private let sink: any ByteSink
    private let cipher: BulkChaCha20Poly1305
    private let plaintextBuffer = ByteBuffer(count: AgePayload.chunkLength)
    private let outputBuffer = ByteBuffer(count: AgeEncryptor.chunksAtOnce * AgeEncryptor.sealedLength)
    private var plaintext: UnsafeMutableRawBufferPointer { plaintextBuffer.bytes }
    private var output: UnsafeMutableRawBufferPointer { outputBuffer.bytes }
    private var waiting = 0
    private var filled = 0
    private var number: UInt64 = 0

    /// Writes the header, with one entry a recipient, to `sink`.
    ///
    /// - Throws: `SealingError.noRecipients`, `CryptographyError`, `OpenSSLError`, and what `sink` throws.
    public init(to recipients: [AgeRecipient], sink: any ByteSink) throws {
        guard !recipients.isEmpty else { throw SealingError.noRecipients }
        self.sink = sink
        let fileKey = try SecretBytes.random(count: AgeStanza.fileKeyLength)
        let stanzas = try recipients.map { try AgeStanza.wrap(fileKey, to: $0) }
        let nonce = SecureRandom.bytes(AgePayload.nonceLength)
        cipher = try BulkChaCha20Poly1305(key: AgePayload.key(fileKey, nonce: nonce), sealing: true)
        try sink.write(AgeHeader(stanzas: stanzas, fileKey: fileKey).bytes + nonce)
    }

    /// Takes plaintext.
    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            // A full chunk waits for the next byte: only then is it known not to be the last.
            if waiting == AgePayload.chunkLength {
                try seal(UnsafeRawBufferPointer(plaintext), isLast: false)
                waiting = 0
            }
            if waiting == 0, rest.count > AgePayload.chunkLength {
                // Whole chunks are encrypted where they lie.
                try seal(UnsafeRawBufferPointer(rebasing: rest.prefix(AgePayload.chunkLength)), isLast: false)
                rest = rest.dropFirst(AgePayload.chunkLength)
                continue
            }
            let taken = rest.prefix(AgePayload.chunkLength - waiting)
            UnsafeMutableRawBufferPointer(rebasing: plaintext[waiting..<(waiting + taken.count)])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: taken))
            waiting += taken.count
            rest = rest.dropFirst(taken.count)
        }
    }

    /// Writes the last chunk; without it the file does not decrypt.
    public func finish() throws {
        try seal(UnsafeRawBufferPointer(rebasing: plaintext[..<waiting]), isLast: true)
        waiting = 0
        try flush()
    }

    private func seal(_ chunk: UnsafeRawBufferPointer, isLast: Bool) throws {
        if filled + Self.sealedLength > output.count { try flush() }
        let end = filled + chunk.count + ChaCha20Poly1305.tagLength
        try cipher.seal(
            chunk,
            into: UnsafeMutableRawBufferPointer(rebasing: output[filled..<end]),
            nonce: AgePayload.nonce(chunk: number, isLast: isLast)
        )
        filled = end
        number += 1
    }

    private func flush() throws {
        try sink.write(UnsafeRawBufferPointer(rebasing: output[..<filled]))
        filled = 0
    }
}
