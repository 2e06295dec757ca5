import Foundation

/// QUANTILE (Bertran et al. 2023, arXiv 2307.03694): how far the record's gain lies above the quantiles that a regression, fitted
/// to records that nobody trained on, predicts for records like it.
///
/// The published attack predicts the target's score from the record. Here it predicts what the score gained over the untuned
/// model's, which is the same quantile: the untuned score is one of the features.
public struct QuantileAttack: Attack {
    /// `QUANTILE`.
    public let name = "QUANTILE"
    /// One sentence for the report.
    public let explanation =
        "How much more the tuned model gained on the record than on records of its length and difficulty that nobody trained on."
    /// What the attacker has.
    public let assumption =
        "The attacker has the model before tuning and records of the same kind that nobody trained on; no shadow models."
    /// Compares with the untuned model, and with outsiders.
    public let needs: Set<Evidence> = [.reference, .outsiders]

    /// Has no parameters.
    public init() {}

    /// (g − μ(f))/σ(f) with g = LL_tuned − LL_untuned and f what the untuned model says of the record.
    ///
    /// - Throws: `AuditError.unusableObservation` where too few outsiders were scored.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        guard let first = observations.first else { return [] }
        guard let outsiders = first.outsiders, outsiders.isEnough else {
            throw AuditError.unusableObservation(
                record: first.record.id,
                reason: "fewer than \(OutsiderScores.minimum) records that nobody trained on were scored beside it"
            )
        }
        let regression = GaussianRegression(
            features: outsiders.reference.map(Self.features),
            values: zip(outsiders.tuned, outsiders.reference).map { LogLikelihood.mean($0) - LogLikelihood.mean($1) }
        )
        return observations.map {
            regression.standardised(
                LogLikelihood.mean($0.tuned) - LogLikelihood.mean($0.reference),
                features: Self.features($0.reference)
            )
        }
    }

    /// What tells how much tuning will gain on a record: its likelihood, its least likely tokens, its length, how sure the
    /// untuned model was, and how often it was right.
    static func features(_ tokens: [TokenObservation]) -> [Double] {
        let count = Double(tokens.count)
        return [
            LogLikelihood.mean(tokens),
            LogLikelihood.meanOfSmallest(0.2, of: tokens.map(\.logProbability)),
            log(count),
            tokens.reduce(0) { $0 + $1.mean } / count,
            tokens.reduce(0) { $0 + $1.deviation } / count,
            Double(tokens.count(where: \.isArgmax)) / count,
        ]
    }
}
