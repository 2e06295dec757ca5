/// An (ε, δ) with everything it rests on: what `fsot dp` prints and runs keep.
public struct PrivacyGuarantee: Codable, Sendable, Equatable {
    /// The upper bound on the privacy loss.
    public var epsilon: Double
    /// The chance to be outside of it.
    public var delta: Double
    /// Standard deviation / sensitivity.
    public var noise: Double
    /// The chance of one participant to be in one round.
    public var rate: Double
    /// How often the mechanism runs: rounds, or optimizer steps when records are protected.
    public var rounds: Int
    /// ``Sampler/name``.
    public var sampler: String
    /// ``Accountant``'s raw value.
    public var accountant: String
    /// ``NeighbouringRelation``'s raw value.
    public var neighbouring: String
    /// Participants in all, where they are counted.
    public var population: Int?
    /// Participants of a round, with a cohort of fixed size.
    public var cohort: Int?

    /// States the ε of a mechanism.
    ///
    /// - Parameter accountant: nil takes the tightest one for the sampler.
    /// - Throws: `DifferentialPrivacyError`: `samplerMismatch`, or `outOfRange` for δ.
    public init(
        of mechanism: SampledGaussianMechanism,
        delta: Double,
        accountant: Accountant? = nil
    ) throws(DifferentialPrivacyError) {
        let accountant = accountant ?? .tightest(for: mechanism.sampler)
        epsilon = try accountant.epsilon(of: mechanism, delta: delta)
        self.delta = delta
        noise = mechanism.noiseMultiplier
        rate = mechanism.sampler.rate
        rounds = mechanism.rounds
        sampler = mechanism.sampler.name
        self.accountant = accountant.rawValue
        neighbouring = mechanism.neighbouring.rawValue
        if case .fixedSize(let cohort, let population) = mechanism.sampler {
            self.cohort = cohort
            self.population = population
        }
    }
}
