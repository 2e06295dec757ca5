import Cryptography

/// Updates as integers of the ring, and their sum as a mean (federation.md 1.4, steps 1, 2, 4, 5 and 7).
///
/// A uniform round sends `round(g·δ)`. A weighted one sends `round(g·(w/w_max)·δ)` and, as last coordinate, `w`, so that
/// the coordinator learns the sum of the weights but no single one. Decoding is exact: the decoded sum is the sum of the
/// integers that the participants encoded; only the rounding to integers itself (unbiased, below 1/g) is lost.
public struct FixedPointCodec: Sendable {
    /// What happens to an update whose Euclidean norm exceeds the round's bound.
    public enum Clipping: Sendable {
        /// It is scaled down to the bound.
        case rescale
        /// Encoding throws.
        case refuse
    }

    private let header: RoundHeader

    /// A codec for one round.
    ///
    /// - Throws: what ``RoundHeader/validate()`` throws, the overflow rule included.
    public init(_ header: RoundHeader) throws {
        try header.validate()
        self.header = header
    }

    /// The vector that a participant hands to `SecureAggregationParticipant.mask`.
    ///
    /// - Parameters:
    ///   - update: `header.updateLength` coordinates, local minus global.
    ///   - weight: 1...weightMaximum in a weighted round; must be 1 in a uniform one.
    ///   - roundingKey: 32 bytes for the stochastic rounding; fresh ones by default, given only in tests.
    /// - Throws: `SecureAggregationError.notFinite`, `.exceedsClip`, `.wrongLength`, `.invalidHeader` for the weight.
    public func encode(
        _ update: [Float],
        weight: UInt32 = 1,
        clipping: Clipping = .rescale,
        roundingKey: SecretBytes? = nil
    ) throws -> [UInt32] {
        guard update.count == header.updateLength else {
            throw SecureAggregationError.wrongLength(
                of: "update",
                expected: header.updateLength,
                actual: update.count
            )
        }
        guard (1...max(header.weightMaximum, 1)).contains(weight) else {
            throw SecureAggregationError.invalidHeader(
                field: "weight",
                reason: "\(weight) is claimed; use 1...\(max(header.weightMaximum, 1))"
            )
        }
        let factor =
            try factor(for: norm(of: update), clipping)
            * (header.isWeighted
                ? Double(weight) / Double(header.weightMaximum) : 1)
        let key = try roundingKey ?? SecretBytes.random(count: ChaCha20.keyLength)
        var words = [UInt32](repeating: 0, count: Int(header.length))
        try round(update, scaledBy: factor * header.scale, key: key, into: &words)
        if header.isWeighted { words[words.count - 1] = weight }
        RingMask.reduce(&words, bits: Int(header.bits))
        return words
    }

    /// The mean of the survivors' updates: uniform, or weighted by their weights.
    ///
    /// - Parameters:
    ///   - sum: `RoundResult.aggregate`.
    ///   - survivors: number of updates in it.
    /// - Throws: `SecureAggregationError.wrongLength`, `.tooFew` when the weights (or survivors) add up to nothing.
    public func decodeMean(_ sum: [UInt32], survivors: Int) throws -> [Float] {
        let divisor =
            header.isWeighted
            ? try Double(weightSum(sum)) / Double(header.weightMaximum) : Double(survivors)
        guard divisor > 0 else { throw SecureAggregationError.tooFew(leg: .result, count: 0, needed: 1) }
        let step = 1 / (header.scale * divisor)
        return try decodeIntegers(sum).prefix(header.updateLength).map { Float(Double($0) * step) }
    }

    /// The ring's elements as integers in [-2^(b-1), 2^(b-1)).
    ///
    /// - Throws: `SecureAggregationError.wrongLength`.
    public func decodeIntegers(_ sum: [UInt32]) throws -> [Int32] {
        guard sum.count == Int(header.length) else {
            throw SecureAggregationError.wrongLength(of: "sum", expected: Int(header.length), actual: sum.count)
        }
        let spare = UInt32(32 - header.bits)
        return sum.map { Int32(bitPattern: $0 << spare) >> Int32(spare) }
    }

    /// The sum of the survivors' weights in a weighted round.
    ///
    /// - Throws: `SecureAggregationError.wrongLength`, `.invalidHeader` in a uniform round.
    public func weightSum(_ sum: [UInt32]) throws -> Int {
        guard header.isWeighted else {
            throw SecureAggregationError.invalidHeader(field: "weights", reason: "the round is uniform")
        }
        guard sum.count == Int(header.length), let last = sum.last else {
            throw SecureAggregationError.wrongLength(of: "sum", expected: Int(header.length), actual: sum.count)
        }
        return Int(last)
    }

    private func norm(of update: [Float]) throws -> Double {
        var squares = 0.0
        for value in update { squares += Double(value) * Double(value) }
        if !squares.isFinite {
            throw SecureAggregationError.notFinite(index: update.firstIndex { !$0.isFinite } ?? 0)
        }
        return squares.squareRoot()
    }

    private func factor(for norm: Double, _ clipping: Clipping) throws -> Double {
        if norm <= header.clip { return 1 }
        if clipping == .refuse { throw SecureAggregationError.exceedsClip(norm: norm, clip: header.clip) }
        return header.clip / norm
    }

    /// Rounds `update · factor` up or down at random so that the expectation is exact.
    private func round(_ update: [Float], scaledBy factor: Double, key: SecretBytes, into words: inout [UInt32]) throws
    {
        // The clip rule bounds every product by g·C; the clamp covers the last bit of its rounding.
        let bound = header.scale * header.clip
        let chunkWords = 16384
        var random = [UInt32](repeating: 0, count: min(chunkWords, update.count))
        defer { random.wipe() }
        for start in stride(from: 0, to: update.count, by: chunkWords) {
            random.withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
            try random.withUnsafeMutableBytes { try ChaCha20.xor(into: $0, key: key, counter: UInt64(start / 16)) }
            for index in start..<min(start + chunkWords, update.count) {
                let value = max(-bound, min(bound, Double(update[index]) * factor))
                var integer = Int64(value)
                var fraction = value - Double(integer)
                if fraction < 0 {
                    integer -= 1
                    fraction += 1
                }
                if Double(UInt32(littleEndian: random[index - start])) < fraction * 4_294_967_296 { integer += 1 }
                words[index] = UInt32(truncatingIfNeeded: integer)
            }
        }
    }
}
