/// MINK (Min-K% Prob, Shi et al. 2024): the mean log-likelihood of the record's least likely tokens.
public struct MinKAttack: Attack {
    /// `MINK`.
    public let name = "MINK"
    /// One sentence for the report.
    public let explanation = "Fluency on the record's most surprising words only: those give away what was seen before."
    /// Share of tokens looked at.
    public let fraction: Double

    /// - Parameter fraction: 0 … 1, 0.2 by default.
    public init(fraction: Double = 0.2) { self.fraction = fraction }

    /// Mean of the ⌊kT⌋ smallest token log-likelihoods, at least one.
    public func scores(of observations: [RecordObservation]) -> [Double] {
        observations.map { LogLikelihood.meanOfSmallest(fraction, of: $0.tuned.map(\.logProbability)) }
    }
}
