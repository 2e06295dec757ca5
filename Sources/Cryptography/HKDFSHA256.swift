/// HKDF with SHA-256 (RFC 5869), built on HMAC because libsodium 1.0.18 has no HKDF of its own.
public enum HKDFSHA256 {
    /// Extract and expand in one: `count` bytes (at most 255 · 32) from `inputKey`.
    ///
    /// An empty salt means 32 zero bytes, as the RFC says (HMAC pads a short key with zeros, so both are the same).
    ///
    /// - Throws: `CryptographyError.outOfRange` for a `count` above 8160, `CryptographyError.noSecretMemory`.
    public static func derive(
        from inputKey: SecretBytes,
        salt: [UInt8] = [],
        info: [UInt8] = [],
        count: Int = 32
    ) throws -> SecretBytes {
        try expand(extract(from: inputKey, salt: salt), info: info, count: count)
    }

    /// RFC 5869 2.2: the pseudo-random key `HMAC(salt, inputKey)`, 32 bytes.
    ///
    /// - Throws: `CryptographyError.noSecretMemory`.
    public static func extract(from inputKey: SecretBytes, salt: [UInt8] = []) throws -> SecretBytes {
        try SecretBytes(count: HMACSHA256.length) { target in
            guard let code = target.bindMemory(to: UInt8.self).baseAddress else { return }
            salt.withUnsafeBytes { key in
                inputKey.withUnsafeBytes { HMACSHA256.compute([$0], [], key: key, into: code) }
            }
        }
    }

    /// RFC 5869 2.3: `count` bytes of `T(1) ‖ T(2) ‖ …` with `T(i) = HMAC(key, T(i-1) ‖ info ‖ i)`.
    ///
    /// - Throws: `CryptographyError.outOfRange` for a `count` above 8160, `CryptographyError.noSecretMemory`.
    public static func expand(_ key: SecretBytes, info: [UInt8], count: Int) throws -> SecretBytes {
        guard (0...255 * HMACSHA256.length).contains(count) else {
            throw CryptographyError.outOfRange(
                parameter: "The length of an HKDF output",
                value: "\(count)",
                allowed: "0...\(255 * HMACSHA256.length)"
            )
        }
        return try SecretBytes(count: count) { target in
            var block = [UInt8]()
            defer { block.wipe() }
            var offset = 0
            var counter: UInt8 = 1
            while offset < count {
                var next = [UInt8](repeating: 0, count: HMACSHA256.length)
                block.withUnsafeBytes { previous in
                    key.withUnsafeBytes { HMACSHA256.compute([previous], info + [counter], key: $0, into: &next) }
                }
                block.wipe()
                block = next
                next.wipe()
                let taken = min(HMACSHA256.length, count - offset)
                UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + taken])
                    .copyBytes(from: block[0..<taken])
                offset += taken
                counter &+= 1
            }
        }
    }
}
