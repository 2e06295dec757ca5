/// LIRA (Carlini et al. 2022, online): whether the record's score looks more like that of models that trained on it than of
/// models that did not.
public struct LiRAAttack: Attack {
    /// `LIRA`.
    public let name = "LIRA"
    /// One sentence for the report.
    public let explanation =
        "Whether the tuned model treats the record as models of the same kind do that trained on it, or as those that did not."
    /// What the attacker has.
    public let assumption =
        "The attacker has the emulator, knows how the run was tuned, and has the candidate records to train models of its own "
        + "with and without each."
    /// What it works on.
    public let needs: Set<Evidence> = [.shadows]
    private let priorDegrees: Double

    /// - Parameter priorDegrees: ν₀, the weight of the pooled variance in shadows.
    public init(priorDegrees: Double = 4) { self.priorDegrees = priorDegrees }

    /// log t(s; in) − log t(s; out), s the logit of exp(LL).
    ///
    /// - Throws: `AuditError.unusableObservation` for a record without shadows on either side.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        let evidence = try observations.map { try $0.shadowEvidence(inside: 1) }
        let inside = ShadowGaussian.fit(
            evidence.map { $0.inside.map(ShadowGaussian.logit) },
            priorDegrees: priorDegrees
        )
        let outside = ShadowGaussian.fit(
            evidence.map { $0.outside.map(ShadowGaussian.logit) },
            priorDegrees: priorDegrees
        )
        return observations.indices.map { index in
            let score = ShadowGaussian.logit(logLikelihood: LogLikelihood.mean(observations[index].tuned))
            return inside[index].logDensity(score) - outside[index].logDensity(score)
        }
    }
}
