/// MINK++ (Min-K%++, Zhang et al. 2025): MINK with each token's log-likelihood standardised by the model's own distribution
/// at that position.
public struct MinKPlusPlusAttack: Attack {
    /// `MINK++`.
    public let name = "MINK++"
    /// One sentence for the report.
    public let explanation =
        "The most surprising words again, measured against what the model would have found normal in that place."
    /// Share of tokens looked at.
    public let fraction: Double

    /// - Parameter fraction: 0 … 1, 0.2 by default.
    public init(fraction: Double = 0.2) { self.fraction = fraction }

    /// Mean of the ⌊kT⌋ smallest (log p − μ)/σ, at least one; σ is at least 1e-6, for positions where the model is certain.
    public func scores(of observations: [RecordObservation]) -> [Double] {
        observations.map {
            LogLikelihood.meanOfSmallest(
                fraction,
                of: $0.tuned.map { ($0.logProbability - $0.mean) / max($0.deviation, 1e-6) }
            )
        }
    }
}
