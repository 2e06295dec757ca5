/// Noise by tree aggregation over one epoch: DP-FTRL (Kairouz et al. 2021; Honaker 2015), which needs no
/// sampling assumption: the right tool where data holders take turns in a fixed order.
public struct TreeAggregation: Sendable, Equatable {
    /// Steps of each tree between restarts; a participant is in one tree only, once.
    public let stepCounts: [Int]

    /// Trees of these sizes.
    ///
    /// - Throws: `DifferentialPrivacyError.outOfRange` without a tree, or with a tree of less than one step.
    public init(stepCounts: [Int]) throws(DifferentialPrivacyError) {
        guard let smallest = stepCounts.min(), smallest >= 1 else {
            throw .outOfRange(parameter: "steps of a tree", value: Double(stepCounts.min() ?? 0), range: "at least 1")
        }
        self.stepCounts = stepCounts
    }

    /// In how many nodes of its tree a participant is at most: ⌈log₂(steps + 1)⌉ of the largest.
    public var depth: Int { stepCounts.map { Int.bitWidth - $0.leadingZeroBitCount }.max() ?? 0 }

    /// The mechanism it amounts to: `depth` Gaussian mechanisms on everybody.
    ///
    /// - Parameter noiseMultiplier: standard deviation of the noise of a node / sensitivity.
    /// - Throws: `DifferentialPrivacyError.outOfRange`.
    public func mechanism(noiseMultiplier: Double) throws(DifferentialPrivacyError) -> SampledGaussianMechanism {
        try SampledGaussianMechanism(
            sampler: .fullParticipation,
            noiseMultiplier: noiseMultiplier,
            rounds: depth
        )
    }
}
