import Cryptography

/// Shamir's secret sharing over GF(2^8) with the polynomial 0x11b, byte by byte (federation.md 1.4).
///
/// No tables: a table's cache lines would tell about the secret.
public enum ShamirSharing {
    /// The product in GF(2^8), in constant time.
    static func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var a = left
        var b = right
        var product: UInt8 = 0
        for _ in 0..<8 {
            product ^= (0 &- (b & 1)) & a
            let overflow = (0 &- (a >> 7)) & 0x1b
            a = (a << 1) ^ overflow
            b >>= 1
        }
        return product
    }

    /// The inverse a^254; 0 for 0.
    static func inverse(_ value: UInt8) -> UInt8 {
        // 254 = 0b11111110: square and multiply with a fixed pattern.
        var result: UInt8 = 1
        var power = value
        for _ in 0..<7 {
            power = multiply(power, power)
            result = multiply(result, power)
        }
        return result
    }

    /// One share for every x, in the order of `xs`, laid end to end in one secret.
    ///
    /// - Parameters:
    ///   - threshold: number of shares that give the secret back; fewer tell nothing.
    ///   - xs: distinct, none 0.
    ///   - coefficients: `(threshold - 1) · secret.count` bytes, c_1 first; drawn at random when nil.
    /// - Throws: `SecureAggregationError.invalidHeader` for an impossible threshold or x, `CryptographyError`.
    public static func split(
        _ secret: SecretBytes,
        threshold: Int,
        xs: [UInt8],
        coefficients: SecretBytes? = nil
    ) throws -> SecretBytes {
        guard threshold >= 1, threshold <= xs.count else {
            throw SecureAggregationError.invalidHeader(
                field: "threshold",
                reason: "\(threshold) of \(xs.count) shares; use 1...\(xs.count)"
            )
        }
        try check(xs)
        let width = secret.count
        let polynomial = try coefficients ?? SecretBytes.random(count: (threshold - 1) * width)
        try expectLength("Shamir coefficients", polynomial.count, (threshold - 1) * width)
        return try SecretBytes(count: xs.count * width) { target in
            secret.withUnsafeBytes { constant in
                polynomial.withUnsafeBytes { higher in
                    for (position, x) in xs.enumerated() {
                        for byte in 0..<width {
                            var value: UInt8 = 0
                            for power in (0..<threshold - 1).reversed() {
                                value = multiply(value, x) ^ higher[power * width + byte]
                            }
                            target[position * width + byte] = multiply(value, x) ^ constant[byte]
                        }
                    }
                }
            }
        }
    }

    /// The secret behind exactly `threshold` or more shares of one length; wrong shares give a wrong secret.
    ///
    /// - Throws: `SecureAggregationError.invalidHeader` for a repeated or zero x, `SecureAggregationError.wrongLength`.
    public static func combine(_ shares: [(x: UInt8, share: [UInt8])]) throws -> SecretBytes {
        try check(shares.map(\.x))
        let width = shares.first?.share.count ?? 0
        for (_, share) in shares { try expectLength("Shamir share", share.count, width) }
        return try SecretBytes(count: width) { target in
            for (x, share) in shares {
                var weight: UInt8 = 1
                for (other, _) in shares where other != x {
                    weight = multiply(weight, multiply(other, inverse(other ^ x)))
                }
                for byte in 0..<width { target[byte] ^= multiply(weight, share[byte]) }
            }
        }
    }

    private static func check(_ xs: [UInt8]) throws {
        guard !xs.isEmpty, !xs.contains(0), Set(xs).count == xs.count else {
            throw SecureAggregationError.invalidHeader(
                field: "share positions",
                reason: "they must be distinct and between 1 and 255"
            )
        }
    }

    private static func expectLength(_ what: String, _ actual: Int, _ expected: Int) throws {
        if actual != expected {
            throw SecureAggregationError.wrongLength(of: what, expected: expected, actual: actual)
        }
    }
}
