import Foundation

/// The statistic of RMIA (Zarifzadeh et al. 2024): the share of records z that nobody trained on with
/// [p(x|θ)/p(x)] / [p(z|θ)/p(z)] ≥ γ, p the exponential of the mean log-likelihood.
///
/// For one audited model the share rises with p(x|θ)/p(x) alone, in steps of 1/|Z|. Where no z were scored, the logarithm of
/// that ratio stands for it: it ranks the records alike, without the ties.
struct PopulationRanking {
    let gamma: Double
    /// p(x) of a record, or of a z that no shadow trained on, from the probabilities that shadows give it.
    let marginal: (_ inside: [Double], _ outside: [Double]) -> Double

    /// One score a record.
    ///
    /// - Throws: `AuditError.unusableObservation`.
    func scores(of observations: [RecordObservation], inside: Int) throws -> [Double] {
        let ratios = try observations.map { observation in
            let evidence = try observation.shadowEvidence(inside: inside)
            return exp(LogLikelihood.mean(observation.tuned))
                / marginal(evidence.inside.map { exp($0) }, evidence.outside.map { exp($0) })
        }
        guard let population = observations.first?.shadows?.population, !population.tuned.isEmpty else {
            return ratios.map { log(max($0, .leastNormalMagnitude)) }
        }
        let others = zip(population.tuned, population.shadows).map { tuned, shadows in
            gamma * exp(tuned) / marginal([], shadows.map { exp($0) })
        }
        return ratios.map { ratio in Double(others.count { ratio >= $0 }) / Double(others.count) }
    }

    static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
}
