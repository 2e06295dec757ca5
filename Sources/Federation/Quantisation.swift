import SecureAggregation

/// How updates become integers of the secure sum's ring: agreed on before the first round, the same for everybody.
public struct Quantisation: Codable, Sendable, Equatable {
    /// Bits of the ring: 16, 24 or 32. Fewer make smaller uploads and coarser steps.
    public var bits: Int
    /// Whether a randomised Hadamard rotation spreads large coordinates over all: finer steps at few bits.
    public var isRotated: Bool
    /// The run's seed, from which the rotation's signs follow with the round; no secret.
    public var seed: UInt64

    /// 32 bits without a rotation.
    public static let full = Quantisation()

    /// Collects the choice.
    public init(bits: Int = 32, isRotated: Bool = false, seed: UInt64 = 0) {
        self.bits = bits
        self.isRotated = isRotated
        self.seed = seed
    }

    /// The rotation of a round; nil without one.
    ///
    /// - Throws: `SecureAggregationError.invalidHeader`.
    func rotation(round: Int, updateLength: Int) throws -> HadamardRotation? {
        isRotated
            ? try HadamardRotation(
                runSeed: seed,
                round: UInt32(truncatingIfNeeded: round),
                updateLength: updateLength
            ) : nil
    }
}
