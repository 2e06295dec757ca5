import DifferentialPrivacy

/// Differential privacy of whole data holders: DP-FedAvg (McMahan et al. 2018, arXiv 1710.06963) with noise by the
/// coordinator, who is trusted with it: it sees the sum before the noise. It protects a holder against those who see what
/// the coordinator sends: the other holders, and users of the tuned model.
public struct ClientPrivacy: Codable, Sendable, Equatable {
    /// z: standard deviation of the noise on the sum / sensitivity of the sum, which is C when all take part and 2C for
    /// cohorts of fixed size.
    public var noiseMultiplier: Double
    /// C: the largest Euclidean norm of one holder's update; longer ones are scaled down to it.
    public var clippingNorm: Double
    /// δ of the guarantee.
    public var delta: Double

    /// Makes a configuration.
    ///
    /// - Throws: `FederationError.invalidConfiguration`; `DifferentialPrivacyError` for what no accountant covers.
    public init(noiseMultiplier: Double, clippingNorm: Double, delta: Double) throws {
        guard clippingNorm > 0, clippingNorm.isFinite else {
            throw FederationError.invalidConfiguration(
                reason: "--client-dp-clip \(clippingNorm) is not a positive number",
                remedy: "give the largest norm of an update"
            )
        }
        _ = try SampledGaussianMechanism(sampler: .fullParticipation, noiseMultiplier: noiseMultiplier, rounds: 1)
        try Accountant.check(delta: delta)
        self.noiseMultiplier = noiseMultiplier
        self.clippingNorm = clippingNorm
        self.delta = delta
    }

    /// How the holders of a round are chosen: all of them, or as many as `perRound` says, never by coins of their own.
    static func sampler(population: Int, perRound: Int?) -> Sampler {
        guard let perRound, perRound < population else { return .fullParticipation }
        return .fixedSize(cohort: perRound, population: population)
    }

    /// What `rounds` rounds guarantee to each of `population` holders.
    ///
    /// - Throws: `DifferentialPrivacyError`.
    public func guarantee(population: Int, perRound: Int?, rounds: Int) throws -> PrivacyGuarantee {
        var guarantee = try PrivacyGuarantee(
            of: SampledGaussianMechanism(
                sampler: Self.sampler(population: population, perRound: perRound),
                noiseMultiplier: noiseMultiplier,
                rounds: rounds
            ),
            delta: delta
        )
        guarantee.population = population
        return guarantee
    }

    /// An update scaled down to norm C where it is longer.
    func clipped(_ update: [Float]) -> [Float] {
        let norm = update.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard norm > clippingNorm else { return update }
        let scale = Float(clippingNorm / norm).nextDown
        return update.map { $0 * scale }
    }

    /// The noised sum divided by the size of the cohort, which is fixed: how many updates arrived would tell of a holder.
    ///
    /// - Parameters:
    ///   - mean: of the `count` updates that arrived.
    ///   - excess: by how much an update may be longer than C after it was made integers of the secure sum.
    ///   - key: of this round alone.
    /// - Throws: `CryptographyError`.
    func noised(_ mean: [Float], count: Int, excess: Double, sampler: Sampler, invited: Int, key: NoiseKey) throws
        -> [Float]
    {
        let unit = sampler.neighbouringRelation.sensitivity * (clippingNorm + excess)
        var result = mean
        try GaussianNoise(key, standardDeviation: noiseMultiplier * unit).forEach(mean.count) { index, noise in
            result[index] = Float((Double(mean[index]) * Double(count) + noise) / Double(invited))
        }
        return result
    }
}
