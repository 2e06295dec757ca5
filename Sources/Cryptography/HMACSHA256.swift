import CSodium

/// HMAC with SHA-256 (RFC 2104), for a key of any length.
public enum HMACSHA256 {
    /// Bytes of a code.
    public static let length = 32

    /// The authentication code of `message`, 32 bytes.
    public static func code(for message: [UInt8], key: SecretBytes) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: length)
        key.withUnsafeBytes { compute([UnsafeRawBufferPointer](), message, key: $0, into: &code) }
        return code
    }

    /// True when `code` belongs to `message`, in constant time.
    public static func isValid(_ code: [UInt8], for message: [UInt8], key: SecretBytes) -> Bool {
        ConstantTime.areEqual(code, self.code(for: message, key: key))
    }

    /// The code over `first ‖ … ‖ message`, for callers inside this module that hold raw key bytes.
    static func compute(
        _ first: [UnsafeRawBufferPointer],
        _ message: [UInt8],
        key: UnsafeRawBufferPointer,
        into code: UnsafeMutablePointer<UInt8>
    ) {
        Sodium.start
        var state = crypto_auth_hmacsha256_state()
        defer { sodium_memzero(&state, MemoryLayout<crypto_auth_hmacsha256_state>.size) }
        key.withMemoryRebound(to: UInt8.self) { bytes in
            var none: UInt8 = 0
            if let base = bytes.baseAddress {
                crypto_auth_hmacsha256_init(&state, base, bytes.count)
            } else {
                crypto_auth_hmacsha256_init(&state, &none, 0)
            }
        }
        for part in first {
            part.withMemoryRebound(to: UInt8.self) { bytes in
                if let base = bytes.baseAddress { crypto_auth_hmacsha256_update(&state, base, UInt64(bytes.count)) }
            }
        }
        crypto_auth_hmacsha256_update(&state, message, UInt64(message.count))
        crypto_auth_hmacsha256_final(&state, code)
    }
}
