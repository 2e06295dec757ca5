import CSodium

/// Argon2id 1.3 (RFC 9106) with one lane, for keys of our own key files.
public enum Argon2id {
    /// Bytes of a salt.
    public static let saltLength = 16
    /// The default cost: 3 passes over 256 MiB (libsodium's "moderate").
    public static let defaultPasses = 3
    /// The default cost: 3 passes over 256 MiB (libsodium's "moderate").
    public static let defaultMemoryBytes = 256 << 20

    /// Turns a password into a key of `count` bytes (at least 16).
    ///
    /// - Throws: `CryptographyError.wrongLength` for a salt that is not 16 bytes, `CryptographyError.outOfRange`,
    ///   `CryptographyError.passwordDerivationFailed` when the memory cannot be had.
    public static func derive(
        from password: SecretBytes,
        salt: [UInt8],
        passes: Int = defaultPasses,
        memoryBytes: Int = defaultMemoryBytes,
        count: Int = 32
    ) throws -> SecretBytes {
        try CryptographyError.check("Argon2id salt", salt.count, saltLength)
        try check("The number of Argon2id passes", passes, 1...Int(UInt32.max))
        try check("The memory of Argon2id in bytes", memoryBytes, 8192...(4 << 40))
        try check("The length of an Argon2id output", count, 16...Int(UInt32.max))
        return try SecretBytes(count: count) { target in
            guard let output = target.bindMemory(to: UInt8.self).baseAddress else { return }
            let status = password.bytePointer.withMemoryRebound(to: CChar.self, capacity: password.count) {
                crypto_pwhash(
                    output,
                    UInt64(count),
                    $0,
                    UInt64(password.count),
                    salt,
                    UInt64(passes),
                    memoryBytes,
                    crypto_pwhash_alg_argon2id13()
                )
            }
            if status != 0 { throw CryptographyError.passwordDerivationFailed(memoryBytes: memoryBytes) }
        }
    }

    private static func check(_ parameter: String, _ value: Int, _ allowed: ClosedRange<Int>) throws {
        guard allowed.contains(value) else {
            throw CryptographyError.outOfRange(parameter: parameter, value: "\(value)", allowed: "\(allowed)")
        }
    }
}
