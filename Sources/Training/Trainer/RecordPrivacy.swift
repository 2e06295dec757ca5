import DifferentialPrivacy

/// Differential privacy of a data holder's records: DP-SGD (Abadi et al. 2016, arXiv 1607.00133).
///
/// What is protected is one record more or less, against everybody who sees what the holder sends, the number of records
/// being public. The holder itself, its log and its progress display see the losses as they are.
public struct RecordPrivacy: Codable, Sendable, Equatable {
    /// σ: standard deviation of the noise on the sum of clipped gradients / C.
    public var noiseMultiplier: Double
    /// C: the largest Euclidean norm of one record's gradient.
    public var clippingNorm: Double
    /// δ of the guarantee.
    public var delta: Double
    /// q: the chance of each record to be in a step; nil: batch size / number of records.
    public var samplingRate: Double?

    /// Makes a configuration.
    ///
    /// - Throws: `TrainingError.badSetting`; `DifferentialPrivacyError` for what no accountant covers.
    public init(noiseMultiplier: Double, clippingNorm: Double, delta: Double, samplingRate: Double? = nil) throws {
        guard clippingNorm > 0, clippingNorm.isFinite else {
            throw TrainingError.badSetting(
                name: "--dp-clip",
                reason: "is \(clippingNorm); it must be a positive number"
            )
        }
        _ = try SampledGaussianMechanism(
            sampler: .poisson(rate: samplingRate ?? 1),
            noiseMultiplier: noiseMultiplier,
            rounds: 1
        )
        try Accountant.check(delta: delta)
        self.noiseMultiplier = noiseMultiplier
        self.clippingNorm = clippingNorm
        self.delta = delta
        self.samplingRate = samplingRate
    }

    /// q for a holder of `records` ≥ 1 records.
    public func rate(batchSize: Int, records: Int) -> Double {
        samplingRate ?? min(1, Double(batchSize) / Double(records))
    }

    /// What `steps` optimizer steps guarantee to each of a holder's records.
    ///
    /// - Throws: `DifferentialPrivacyError`.
    public func guarantee(batchSize: Int, records: Int, steps: Int) throws -> PrivacyGuarantee {
        let rate = rate(batchSize: batchSize, records: records)
        return try PrivacyGuarantee(
            of: SampledGaussianMechanism(
                sampler: rate == 1 ? .fullParticipation : .poisson(rate: rate),
                noiseMultiplier: noiseMultiplier,
                rounds: steps
            ),
            delta: delta
        )
    }
}
