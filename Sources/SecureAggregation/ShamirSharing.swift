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

    /// Eight products with one factor, in constant time: each byte of `lanes` times `factor`.
    private static func multiply(lanes: UInt64, _ factor: UInt8) -> UInt64 {
        var a = lanes
        var product: UInt64 = 0
        for bit in 0..<8 {
            product ^= (0 &- UInt64(factor >> UInt8(bit) & 1)) & a
            let overflow = (a >> 7 & 0x0101_0101_0101_0101) &* 0x1b
            a = (a & 0x7f7f_7f7f_7f7f_7f7f) << 1 ^ overflow
        }
        return product
    }

    /// Up to eight bytes as the lanes of a word, zeros above.
    private static func lanes(_ bytes: UnsafeRawBufferPointer, at start: Int, _ count: Int) -> UInt64 {
        (0..<count).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
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
                    // Eight bytes of the secret at a time, each a polynomial of its own.
                    for start in stride(from: 0, to: width, by: 8) {
                        let count = min(8, width - start)
                        let free = lanes(constant, at: start, count)
                        var coefficients = (0..<threshold - 1).map { lanes(higher, at: $0 * width + start, count) }
                        defer { coefficients.wipe() }
                        for (position, x) in xs.enumerated() {
                            let value = coefficients.reversed().reduce(UInt64(0)) { multiply(lanes: $0, x) ^ $1 }
                            let share = multiply(lanes: value, x) ^ free
                            for byte in 0..<count {
                                target[position * width + start + byte] = UInt8(
                                    truncatingIfNeeded: share >> UInt64(8 * byte)
                                )
                            }
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
                var numerator: UInt8 = 1
                var denominator: UInt8 = 1
                for (other, _) in shares where other != x {
                    numerator = multiply(numerator, other)
                    denominator = multiply(denominator, other ^ x)
                }
                let weight = multiply(numerator, inverse(denominator))
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
