import Cryptography

/// The randomised Hadamard transform x ← (1/√m') · H · D · x, which spreads an update's large coordinates over all
/// (federation.md 1.4, quantisation step 3; Suresh et al. 2017, arXiv 1611.00429).
///
/// All participants of a round use the same one; its signs come from the run's seed and the round, never from `rh`, so
/// that a run gives the same bits whatever carries it. The round header commits to it.
public struct HadamardRotation: Sendable, Equatable {
    /// Coordinates of an update, before padding.
    public let updateLength: Int
    /// Coordinates of a rotated update: the next power of two.
    public let paddedLength: Int
    /// What the header holds: `H("fsot/sa1/rotation", seed, u64 updateLength)`.
    public let commitment: [UInt8]
    private let seed: [UInt8]

    /// The rotation of one round.
    ///
    /// - Parameters:
    ///   - runSeed: known to all participants; not a secret.
    ///   - updateLength: 1...2^28.
    /// - Throws: `SecureAggregationError.invalidHeader`.
    public init(runSeed: UInt64, round: UInt32, updateLength: Int) throws {
        guard (1...RoundHeader.maximumLength).contains(updateLength) else {
            throw SecureAggregationError.invalidHeader(
                field: "length",
                reason: "\(updateLength) coordinates; use 1...\(RoundHeader.maximumLength)"
            )
        }
        self.updateLength = updateLength
        paddedLength = 1 << (Int.bitWidth - (updateLength - 1).leadingZeroBitCount)
        seed = TaggedHash.digest("fsot/sa1/rotation/seed", runSeed.littleEndianBytes, round.littleEndianBytes)
        commitment = TaggedHash.digest("fsot/sa1/rotation", seed, UInt64(updateLength).littleEndianBytes)
    }

    /// The bound on a coordinate, relative to the norm, that a whole rotated update keeps with probability
    /// above 1 - 2^-20: √(2 ln 2 · (k + 21) / 2^k), at most 1, from the tail of a sum of random signs over all 2^k.
    ///
    /// - Parameter length: a power of two.
    static func relativeBound(paddedLength length: Int) -> Double {
        let naturalLogarithmOfTwo = 0.6931471805599453
        let exponent = Double(length.trailingZeroBitCount + 21)
        return min(1, (2 * naturalLogarithmOfTwo * exponent / Double(length)).squareRoot())
    }

    /// 1/√m', which both directions leave to the caller's scale.
    var normalisation: Double { 1 / Double(paddedLength).squareRoot() }

    /// H · D · x, padded, without the factor 1/√m'. Single precision: 2^-24 of the norm is far below a step of 24 bits.
    func rotate(_ update: [Float]) throws -> [Float] {
        var values = [Float](unsafeUninitializedCapacity: paddedLength) { buffer, count in
            _ = buffer.initialize(from: update)
            if update.count < paddedLength { buffer[update.count...].initialize(repeating: 0) }
            count = paddedLength
        }
        try flipSigns(&values)
        Self.transform(&values)
        return values
    }

    /// D · H · y without the factor 1/√m': the first `updateLength` coordinates.
    func unrotate(_ rotated: consuming [Float]) throws -> [Float] {
        Self.transform(&rotated)
        try flipSigns(&rotated)
        rotated.removeLast(rotated.count - updateLength)
        return rotated
    }

    /// D: coordinate i changes its sign where bit i of the stream is 1.
    private func flipSigns(_ values: inout [Float]) throws {
        let bits = try ChaCha20.stream(count: (values.count + 7) / 8, key: SecretBytes(copying: seed))
        values.withUnsafeMutableBufferPointer { values in
            for index in values.indices where bits[index >> 3] >> UInt8(index & 7) & 1 == 1 {
                values[index] = -values[index]
            }
        }
    }

    /// 64 KiB: what stays in the second-level cache while all short strides run over it.
    private static let blockLength = 16384

    /// The Walsh-Hadamard transform in Sylvester's order, in place.
    static func transform(_ values: inout [Float]) {
        values.withUnsafeMutableBufferPointer { values in
            let block = min(blockLength, values.count)
            for start in stride(from: 0, to: values.count, by: block) {
                butterflies(UnsafeMutableBufferPointer(rebasing: values[start..<start + block]), from: 1)
            }
            butterflies(values, from: block)
        }
    }

    private static func butterflies(_ values: UnsafeMutableBufferPointer<Float>, from shortest: Int) {
        var half = shortest
        while half < values.count {
            for start in stride(from: 0, to: values.count, by: 2 * half) {
                for index in start..<start + half {
                    let (a, b) = (values[index], values[index + half])
                    values[index] = a + b
                    values[index + half] = a - b
                }
            }
            half *= 2
        }
    }
}
