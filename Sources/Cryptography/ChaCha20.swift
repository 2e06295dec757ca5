import CSodium

/// The ChaCha20 key stream with a 64-bit counter and an 8-byte nonce (Bernstein's original form), as SA1's generator.
///
/// A key may serve one stream only: every key of SA1 is derived for one round and one pair, so the nonce stays zero.
public enum ChaCha20 {
    /// Bytes of a key.
    public static let keyLength = 32
    /// Bytes that one step of the counter yields.
    public static let blockLength = 64
    /// SA1's nonce: its keys serve one stream each.
    public static let zeroNonce = [UInt8](repeating: 0, count: 8)

    /// XORs the stream, from 64-byte block `counter` on, into `buffer`.
    ///
    /// On a zeroed buffer this yields the stream itself.
    ///
    /// - Throws: `CryptographyError.wrongLength` for a key that is not 32 bytes or a nonce that is not 8.
    public static func xor(
        into buffer: UnsafeMutableRawBufferPointer,
        key: SecretBytes,
        counter: UInt64 = 0,
        nonce: [UInt8] = zeroNonce
    ) throws {
        try CryptographyError.check("ChaCha20 key", key.count, keyLength)
        try CryptographyError.check("ChaCha20 nonce", nonce.count, 8)
        Sodium.start
        guard let base = buffer.bindMemory(to: UInt8.self).baseAddress else { return }
        crypto_stream_chacha20_xor_ic(base, base, UInt64(buffer.count), nonce, counter, key.bytePointer)
    }

    /// XORs the stream of nonce zero into `buffer` without a key object: for one of many keys that lie end to end.
    ///
    /// - Parameter key: exactly 32 bytes.
    public static func xor(
        into buffer: UnsafeMutableRawBufferPointer,
        key: UnsafeRawBufferPointer,
        counter: UInt64
    ) {
        precondition(key.count == keyLength, "a ChaCha20 key has 32 bytes")
        Sodium.start
        guard let base = buffer.baseAddress, let keyBase = key.baseAddress else { return }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        crypto_stream_chacha20_xor_ic(
            bytes,
            bytes,
            UInt64(buffer.count),
            zeroNonce,
            counter,
            keyBase.assumingMemoryBound(to: UInt8.self)
        )
    }

    /// `count` bytes of the stream.
    ///
    /// - Throws: as ``xor(into:key:counter:nonce:)``.
    public static func stream(
        count: Int,
        key: SecretBytes,
        counter: UInt64 = 0,
        nonce: [UInt8] = zeroNonce
    ) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try xor(into: $0, key: key, counter: counter, nonce: nonce) }
        return bytes
    }
}
