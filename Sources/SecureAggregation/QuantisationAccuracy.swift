import Cryptography

/// What quantisation costs: the error of the decoded mean against the exact one, on heavy-tailed updates.
///
/// Masks are left out: they cancel exactly, so a round gives this very mean.
public struct QuantisationAccuracy: Sendable, Equatable, Codable {
    /// Updates in the mean.
    public let participants: Int
    /// Coordinates of an update.
    public let parameters: Int
    /// Bits of a coordinate on the wire.
    public let bits: Int
    /// Whether updates were rotated.
    public let isRotated: Bool
    /// Mean over the coordinates of the squared error of the mean, in squared units of the update.
    public let meanSquaredError: Double
    /// √(mean squared error) over the root mean square of the exact mean.
    public let relativeError: Double
    /// Bytes of a vector on the wire, without the message around it.
    public let vectorBytes: Int

    /// Encodes, adds and decodes `participants` updates of Student's distribution with three degrees of freedom around
    /// a common one, clipped at the largest norm among them.
    ///
    /// - Parameter seed: makes updates, signs and rounding; the same seed gives the same figures.
    /// - Throws: `SecureAggregationError.overflow` when the ring has no step left for so many updates.
    public init(participants: Int, parameters: Int, bits: Int, isRotated: Bool, seed: UInt64) throws {
        let common = try Self.heavyTailed(parameters, seed: seed, stream: 0)
        var largest = 0.0
        for index in 1...participants {
            let update = try Self.update(common, seed: seed, index)
            largest = max(largest, update.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
        }
        let key = try Ed25519SigningKey().publicKey
        let roster = try Roster(
            coordinatorKey: key,
            memberKeys: (0..<participants).map { TaggedHash.digest("fsot/accuracy", UInt32($0).littleEndianBytes) }
        )
        let rotation =
            isRotated ? try HadamardRotation(runSeed: seed, round: 1, updateLength: parameters) : nil
        let header = try RoundHeader(
            session: [UInt8](repeating: 0, count: 16),
            round: 1,
            roster: roster,
            cohort: roster.ids,
            emulatorManifestHash: [UInt8](repeating: 0, count: 32),
            stateHash: [UInt8](repeating: 0, count: 32),
            updateLength: parameters,
            clip: largest,
            bits: bits,
            rotation: rotation
        )
        let codec = try FixedPointCodec(header, rotation: rotation)
        var sum = [UInt32](repeating: 0, count: Int(header.length))
        var exact = [Double](repeating: 0, count: parameters)
        for index in 1...participants {
            let update = try Self.update(common, seed: seed, index)
            for coordinate in exact.indices { exact[coordinate] += Double(update[coordinate]) / Double(participants) }
            let roundingKey = TaggedHash.digest(
                "fsot/accuracy/rounding",
                seed.littleEndianBytes,
                UInt32(index).littleEndianBytes
            )
            RingMask.accumulate(
                try codec.encode(update, roundingKey: SecretBytes(copying: roundingKey)),
                into: &sum
            )
        }
        RingMask.reduce(&sum, bits: bits)
        let mean = try codec.decodeMean(sum, survivors: participants)
        let squares = zip(mean, exact).reduce(0.0) { $0 + (Double($1.0) - $1.1) * (Double($1.0) - $1.1) }
        let power = exact.reduce(0.0) { $0 + $1 * $1 }
        self.participants = participants
        self.parameters = parameters
        self.bits = bits
        self.isRotated = isRotated
        meanSquaredError = squares / Double(parameters)
        relativeError = (squares / power).squareRoot()
        vectorBytes = Int(header.length) * bits / 8
    }

    /// The common update and the participant's own, half and half.
    private static func update(_ common: [Double], seed: UInt64, _ index: Int) throws -> [Float] {
        zip(common, try heavyTailed(common.count, seed: seed, stream: UInt32(index))).map { Float($0 + $1) }
    }

    /// Student's distribution with three degrees of freedom, whose fourth moment does not exist; its normal variates
    /// are sums of twelve bytes.
    private static func heavyTailed(_ count: Int, seed: UInt64, stream: UInt32) throws -> [Double] {
        let key = TaggedHash.digest("fsot/accuracy/update", seed.littleEndianBytes, stream.littleEndianBytes)
        let bytes = try ChaCha20.stream(count: count * 48, key: SecretBytes(copying: key))
        return (0..<count).map { index in
            func normal(_ part: Int) -> Double {
                let start = index * 48 + part * 12
                return (start..<start + 12).reduce(-6.0) { $0 + Double(bytes[$1]) / 256 + 1 / 512 }
            }
            let chiSquared = normal(1) * normal(1) + normal(2) * normal(2) + normal(3) * normal(3)
            return normal(0) / ((chiSquared + 1e-3) / 3).squareRoot()
        }
    }
}
