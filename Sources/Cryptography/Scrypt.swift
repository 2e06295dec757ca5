import CSodium

/// scrypt (RFC 7914), for age files under a passphrase.
public enum Scrypt {
    /// Turns a password into a key of `count` bytes with cost N = 2^`logN`, block size `r` and parallelism `p`.
    ///
    /// Memory is 128 · r · 2^logN bytes. The cost often comes from a file, so the caller should cap it (age: logN ≤ 22).
    ///
    /// - Throws: `CryptographyError.outOfRange` for a logN outside 1...30, `CryptographyError.passwordDerivationFailed`.
    public static func derive(
        from password: SecretBytes,
        salt: [UInt8],
        logN: Int,
        r: Int = 8,
        p: Int = 1,
        count: Int = 32
    ) throws -> SecretBytes {
        try check("scrypt's log N", logN, 1...30)
        try check("scrypt's r", r, 1...64)
        try check("scrypt's p", p, 1...64)
        try check("The length of a scrypt output", count, 16...8192)
        return try SecretBytes(count: count) { target in
            guard let output = target.bindMemory(to: UInt8.self).baseAddress else { return }
            let status = crypto_pwhash_scryptsalsa208sha256_ll(
                password.bytePointer,
                password.count,
                salt,
                salt.count,
                UInt64(1) << logN,
                UInt32(r),
                UInt32(p),
                output,
                count
            )
            if status != 0 { throw CryptographyError.passwordDerivationFailed(memoryBytes: (128 * r) << logN) }
        }
    }

    private static func check(_ parameter: String, _ value: Int, _ allowed: ClosedRange<Int>) throws {
        guard allowed.contains(value) else {
            throw CryptographyError.outOfRange(parameter: parameter, value: "\(value)", allowed: "\(allowed)")
        }
    }
}
