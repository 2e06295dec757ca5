import Cryptography
import Dispatch

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

    /// 8 KiB of stream and 8 KiB of the vector: both stay in the first-level cache while mask after mask goes by.
    private static let chunkWords = 2048
    /// What one thread takes at a time.
    private static let jobWords = 32 * chunkWords

    /// Adds ±PRG(key) to `words` modulo 2^32.
    ///
    /// For rings of fewer bits the caller reduces once at the end: the masks are the low bits of the same stream.
    ///
    /// - Throws: `CryptographyError.wrongLength` for a key that is not 32 bytes.
    public static func apply(_ sign: Sign, key: SecretBytes, to words: inout [UInt32]) throws {
        apply(try MaskKeys(count: 1) { _ in (sign, key) }, to: &words)
    }

    /// Adds every mask to `words` modulo 2^32: each piece of the vector once, with all masks, on all cores.
    ///
    /// The pieces are disjoint and addition in the ring is exact, so the result does not depend on the threads.
    public static func apply(_ masks: MaskKeys, to words: inout [UInt32]) {
        let signs = masks.signs
        let count = words.count
        masks.withUnsafeBytes { keys in
            words.withUnsafeMutableBufferPointer { words in
                // Every job writes its own piece of `words` and only reads the keys.
                nonisolated(unsafe) let (words, keys) = (words, keys)
                DispatchQueue.concurrentPerform(iterations: (count + jobWords - 1) / jobWords) { job in
                    let piece = job * jobWords..<min(count, (job + 1) * jobWords)
                    apply(signs, keys, to: words, in: piece)
                }
            }
        }
    }

    private static func apply(
        _ signs: [Sign],
        _ keys: UnsafeRawBufferPointer,
        to words: UnsafeMutableBufferPointer<UInt32>,
        in piece: Range<Int>
    ) {
        var stream = [UInt32](repeating: 0, count: min(chunkWords, piece.count))
        // With the stream, whoever reads freed memory could take a mask off again.
        defer { stream.wipe() }
        stream.withUnsafeMutableBufferPointer { stream in
            for start in stride(from: piece.lowerBound, to: piece.upperBound, by: chunkWords) {
                let count = min(chunkWords, piece.upperBound - start)
                let chunk = UnsafeMutableBufferPointer(rebasing: stream[0..<count])
                let target = UnsafeMutableBufferPointer(rebasing: words[start..<start + count])
                for (index, sign) in signs.enumerated() {
                    chunk.update(repeating: 0)
                    ChaCha20.xor(
                        into: UnsafeMutableRawBufferPointer(chunk),
                        key: UnsafeRawBufferPointer(rebasing: keys[index * 32..<index * 32 + 32]),
                        counter: UInt64(start / 16)
                    )
                    add(sign, chunk, to: target)
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
