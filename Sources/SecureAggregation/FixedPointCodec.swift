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
    private let rotation: HadamardRotation?

    /// A codec for one round.
    ///
    /// - Parameter rotation: what the header commits to; nil where it commits to none.
    /// - Throws: what ``RoundHeader/validate()`` throws, the overflow rule included; `SecureAggregationError.invalidHeader`
    ///   when the header commits to another rotation.
    public init(_ header: RoundHeader, rotation: HadamardRotation? = nil) throws {
        try header.validate()
        guard header.rotationCommitment == rotation?.commitment ?? RoundHeader.noRotation,
            header.updateLength == rotation?.paddedLength ?? header.updateLength
        else {
            throw SecureAggregationError.invalidHeader(
                field: "rotation",
                reason: "it is not the one of this run, round and length"
            )
        }
        self.header = header
        self.rotation = rotation
    }

    /// Coordinates of an update, before a rotation pads it.
    private var updateLength: Int { rotation?.updateLength ?? header.updateLength }

    /// The vector that a participant hands to `SecureAggregationParticipant.mask`.
    ///
    /// - Parameters:
    ///   - update: local minus global; as many coordinates as the header's round, or its rotation, is for.
    ///   - weight: 1...weightMaximum in a weighted round; must be 1 in a uniform one.
    ///   - roundingKey: 32 bytes for the stochastic rounding; fresh ones by default, given only in tests.
    /// - Throws: `SecureAggregationError.notFinite`, `.exceedsClip`, `.wrongLength`, `.invalidHeader` for the weight.
    public func encode(
        _ update: [Float],
        weight: UInt32 = 1,
        clipping: Clipping = .rescale,
        roundingKey: SecretBytes? = nil
    ) throws -> [UInt32] {
        guard update.count == updateLength else {
            throw SecureAggregationError.wrongLength(
                of: "update",
                expected: updateLength,
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
        if let rotation {
            let multiplier = factor * header.scale * rotation.normalisation
            try round(rotation.rotate(update), scaledBy: multiplier, key: key, into: &words)
        } else {
            try round(update, scaledBy: factor * header.scale, key: key, into: &words)
        }
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
        let step = (rotation?.normalisation ?? 1) / (header.scale * divisor)
        try checkLength(sum)
        let spare = UInt32(32 - header.bits)
        let mean = [Float](unsafeUninitializedCapacity: header.updateLength) { mean, count in
            for index in mean.indices {
                mean[index] = Float(Double(Int32(bitPattern: sum[index] << spare) >> Int32(spare)) * step)
            }
            count = mean.count
        }
        return try rotation?.unrotate(mean) ?? mean
    }

    /// The ring's elements as integers in [-2^(b-1), 2^(b-1)).
    ///
    /// - Throws: `SecureAggregationError.wrongLength`.
    public func decodeIntegers(_ sum: [UInt32]) throws -> [Int32] {
        try checkLength(sum)
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
        try checkLength(sum)
        return Int(sum.last ?? 0)
    }

    private func checkLength(_ sum: [UInt32]) throws {
        guard sum.count == Int(header.length) else {
            throw SecureAggregationError.wrongLength(of: "sum", expected: Int(header.length), actual: sum.count)
        }
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
        // Without a rotation the clip bounds every product by g·C, and the clamp only covers the last bit of its rounding.
        let bound = header.scale * header.coordinateBound
        let chunkWords = 16384
        var random = [UInt32](repeating: 0, count: min(chunkWords, update.count))
        defer { random.wipe() }
        try update.withUnsafeBufferPointer { update in
            try words.withUnsafeMutableBufferPointer { words in
                for start in stride(from: 0, to: update.count, by: chunkWords) {
                    let chunk = start..<min(start + chunkWords, update.count)
                    try random.withUnsafeMutableBytes { bytes in
                        let stream = UnsafeMutableRawBufferPointer(rebasing: bytes[..<(chunk.count * 4)])
                        stream.initializeMemory(as: UInt8.self, repeating: 0)
                        try ChaCha20.xor(into: stream, key: key, counter: UInt64(start / 16))
                        let draws = stream.assumingMemoryBound(to: UInt32.self)
                        for index in chunk {
                            let value = max(-bound, min(bound, Double(update[index]) * factor))
                            let floor = value.rounded(.down)
                            let isUp =
                                Double(UInt32(littleEndian: draws[index - start])) < (value - floor) * 4_294_967_296
                            words[index] = UInt32(truncatingIfNeeded: Int64(floor) &+ (isUp ? 1 : 0))
                        }
                    }
                }
            }
        }
    }
}
