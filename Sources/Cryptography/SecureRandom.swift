import CSodium

/// The system's generator (`getrandom` on Linux) through libsodium.
public enum SecureRandom {
    /// `count` fresh bytes.
    public static func bytes(_ count: Int) -> [UInt8] {
        Sodium.start
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if let base = buffer.baseAddress { randombytes_buf(base, count) }
            initialized = count
        }
    }

    /// Fills `buffer` with fresh bytes.
    public static func fill(_ buffer: UnsafeMutableRawBufferPointer) {
        Sodium.start
        if let base = buffer.baseAddress { randombytes_buf(base, buffer.count) }
    }

    /// A number in `0 ..< upperBound` without modulo bias; 0 when `upperBound` is below 2.
    public static func uniform(below upperBound: UInt32) -> UInt32 {
        Sodium.start
        return randombytes_uniform(upperBound)
    }
}

/// ``SecureRandom`` as a generator for the standard library's `shuffle`, `randomElement` and the like.
public struct SecureRandomGenerator: RandomNumberGenerator, Sendable {
    /// Stateless: every instance draws from the system.
    public init() {}

    /// 64 fresh bits.
    public mutating func next() -> UInt64 {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { SecureRandom.fill($0) }
        return word
    }
}
