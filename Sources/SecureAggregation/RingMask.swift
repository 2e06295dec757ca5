import Cryptography

/// Adding and removing the pseudo-random masks.
public enum RingMask {
    /// Whether a mask is added or subtracted.
    public enum Sign: Sendable {
        case plus
        case minus

        /// The sign with which `me` applies the mask that it shares with `other`: + for the smaller id.
        public static func of(_ me: UInt32, towards other: UInt32) -> Sign { me < other ? .plus : .minus }

        /// The sign that removes the mask.
        public var opposite: Sign { self == .plus ? .minus : .plus }
    }

    /// 64 KiB: inside the second-level cache, and a whole number of ChaCha20 blocks.
    private static let chunkWords = 16384

    /// Adds ±PRG(key) to `words` modulo 2^32, in chunks, without a temporary as long as the vector.
    ///
    /// For rings of fewer bits the caller reduces once at the end: the masks are the low bits of the same stream.
    ///
    /// - Throws: `CryptographyError.wrongLength` for a key that is not 32 bytes.
    public static func apply(_ sign: Sign, key: SecretBytes, to words: inout [UInt32]) throws {
        var stream = [UInt32](repeating: 0, count: min(chunkWords, words.count))
        // With the stream, whoever reads freed memory could take a mask off again.
        defer { stream.wipe() }
        try words.withUnsafeMutableBufferPointer { words in
            try stream.withUnsafeMutableBufferPointer { stream in
                var start = 0
                while start < words.count {
                    let count = min(chunkWords, words.count - start)
                    let chunk = UnsafeMutableBufferPointer(rebasing: stream[0..<count])
                    chunk.update(repeating: 0)
                    try ChaCha20.xor(
                        into: UnsafeMutableRawBufferPointer(chunk),
                        key: key,
                        counter: UInt64(start / 16)
                    )
                    let target = UnsafeMutableBufferPointer(rebasing: words[start..<start + count])
                    add(sign, chunk, to: target)
                    start += count
                }
            }
        }
    }

    private static func add(
        _ sign: Sign,
        _ mask: UnsafeMutableBufferPointer<UInt32>,
        to target: UnsafeMutableBufferPointer<UInt32>
    ) {
        switch sign {
        case .plus:
            for index in 0..<target.count { target[index] = target[index] &+ UInt32(littleEndian: mask[index]) }
        case .minus:
            for index in 0..<target.count { target[index] = target[index] &- UInt32(littleEndian: mask[index]) }
        }
    }

    /// Reduces every word modulo 2^bits.
    static func reduce(_ words: inout [UInt32], bits: Int) {
        guard bits < 32 else { return }
        let mask = (UInt32(1) << UInt32(bits)) - 1
        words.withUnsafeMutableBufferPointer { for index in 0..<$0.count { $0[index] &= mask } }
    }

    /// `sum += words` modulo 2^32.
    static func accumulate(_ words: [UInt32], into sum: inout [UInt32]) {
        sum.withUnsafeMutableBufferPointer { sum in
            words.withUnsafeBufferPointer { words in
                for index in 0..<sum.count { sum[index] = sum[index] &+ words[index] }
            }
        }
    }
}
