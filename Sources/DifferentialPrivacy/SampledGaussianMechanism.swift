/// Rounds of noise on a clipped sum over sampled participants: client-level DP-FedAvg (McMahan et al. 2018), or DP-SGD
/// (Abadi et al. 2016) when a participant is a record and a round is a step.
public struct SampledGaussianMechanism: Sendable, Equatable {
    /// How the participants of a round are chosen.
    public let sampler: Sampler
    /// What is protected.
    public let neighbouring: NeighbouringRelation
    /// Standard deviation of the noise on the sum, divided by the sensitivity that `neighbouring` names.
    public let noiseMultiplier: Double
    /// How often it runs on the same population.
    public let rounds: Int

    /// The noise multipliers that the accountants are made for: below, ε is beyond 5000 in one full round.
    public static let noiseRange: ClosedRange<Double> = 0.01...1e6
    /// The largest number of rounds.
    public static let mostRounds = 1_000_000_000

    /// Checks the parameters.
    ///
    /// - Parameters:
    ///   - sampler: how the participants are chosen; never more favourable than what was really used.
    ///   - neighbouring: nil takes the relation that the sampler's theorems are about.
    ///   - noiseMultiplier: standard deviation / sensitivity, within `noiseRange`.
    ///   - rounds: 1 … `mostRounds`.
    /// - Throws: `DifferentialPrivacyError.outOfRange`.
    public init(
        sampler: Sampler,
        neighbouring: NeighbouringRelation? = nil,
        noiseMultiplier: Double,
        rounds: Int
    ) throws(DifferentialPrivacyError) {
        switch sampler {
        case .poisson(let rate):
            guard rate > 0, rate <= 1 else {
                throw .outOfRange(parameter: "sampling rate", value: rate, range: "above 0 and at most 1")
            }
        case .fixedSize(let cohort, let population):
            guard population >= 1 else {
                throw .outOfRange(parameter: "population", value: Double(population), range: "at least 1")
            }
            guard (1...population).contains(cohort) else {
                throw .outOfRange(parameter: "cohort", value: Double(cohort), range: "1 to \(population)")
            }
        case .fullParticipation: break
        }
        guard Self.noiseRange.contains(noiseMultiplier) else {
            throw .outOfRange(
                parameter: "noise multiplier",
                value: noiseMultiplier,
                range: "\(Self.noiseRange.lowerBound) to \(Self.noiseRange.upperBound)"
            )
        }
        guard (1...Self.mostRounds).contains(rounds) else {
            throw .outOfRange(
                parameter: "number of rounds",
                value: Double(rounds),
                range: "1 to \(Self.mostRounds)"
            )
        }
        self.sampler = sampler
        self.neighbouring = neighbouring ?? sampler.neighbouringRelation
        self.noiseMultiplier = noiseMultiplier
        self.rounds = rounds
    }

    /// Whether every participant is in every round, so that the rounds together are one Gaussian mechanism.
    var isFull: Bool {
        if case .fixedSize = sampler { false } else { sampler.rate == 1 }
    }

    /// The trade-off curve of all rounds together when `isFull`: √T/σ.
    var composedGaussian: GaussianTradeoff {
        GaussianTradeoff(mu: Double(rounds).squareRoot() / noiseMultiplier)
    }
}
