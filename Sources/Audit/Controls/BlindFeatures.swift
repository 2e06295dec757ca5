import Compression
import Foundation

/// What can be told about a record without any model: its words, its length, how it compresses, how it is punctuated.
struct BlindFeatures {
    /// Hashed words and word pairs, log-damped counts scaled to unit length; sorted by bucket.
    let words: [(column: Int, value: Double)]
    /// Length, word count, compressibility, and shares of punctuation, digits and capitals.
    let shape: [Double]

    /// Number of entries in ``shape``.
    static let shapeCount = 6

    init(_ text: String, buckets: Int) {
        var counts: [Int: Double] = [:]
        var previous: String?
        let tokens = text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
        for token in tokens {
            Self.add(token, to: &counts, buckets: buckets)
            if let previous { Self.add(previous + " " + token, to: &counts, buckets: buckets) }
            previous = token
        }
        let damped = counts.sorted { $0.key < $1.key }.map { entry in
            (column: entry.key, value: entry.value < 0 ? -log1p(-entry.value) : log1p(entry.value))
        }
        let norm = damped.reduce(0) { $0 + $1.value * $1.value }.squareRoot()
        words = norm > 0 ? damped.map { ($0.column, $0.value / norm) } : []

        let bytes = Array(text.utf8)
        let characters = Double(max(1, text.count))
        shape = [
            log1p(Double(bytes.count)),
            log1p(Double(tokens.count)),
            Double(Zlib.compressedLength(of: bytes)) / Double(bytes.count + 16),
            Double(text.count { $0.isPunctuation || $0.isSymbol }) / characters,
            Double(text.count { $0.isNumber }) / characters,
            Double(text.count { $0.isUppercase }) / characters,
        ]
    }

    private static func add(_ token: String, to counts: inout [Int: Double], buckets: Int) {
        // FNV-1a; the top bit gives the sign, so that collisions cancel on average.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in token.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        hash ^= hash >> 29
        counts[Int(hash % UInt64(buckets)), default: 0] += hash >> 63 == 0 ? 1 : -1
    }
}
