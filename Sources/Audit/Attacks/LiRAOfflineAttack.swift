/// LIRA-OFFLINE (Carlini et al. 2022): how far the record's score lies above that of models that did not train on it.
///
/// The published score is the distribution function of that distance, which is 1 to the last bit in exactly the tail that
/// matters; this is the distance itself.
public struct LiRAOfflineAttack: Attack {
    /// `LIRA-OFFLINE`.
    public let name = "LIRA-OFFLINE"
    /// One sentence for the report.
    public let explanation =
        "How much better the tuned model predicts the record than models of the same kind that did not train on it."
    /// What the attacker has.
    public let assumption =
        "The attacker has the emulator, knows how the run was tuned, and trained models of its own before it met the record."
    /// What it works on.
    public let needs: Set<Evidence> = [.shadows]
    private let priorDegrees: Double

    /// - Parameter priorDegrees: ν₀, the weight of the pooled variance in shadows.
    public init(priorDegrees: Double = 4) { self.priorDegrees = priorDegrees }

    /// (s − μ_out)/σ_out, s the logit of exp(LL).
    ///
    /// - Throws: `AuditError.unusableObservation` for a record that no shadow left out.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        let evidence = try observations.map { try $0.shadowEvidence(inside: 0) }
        let outside = ShadowGaussian.fit(
            evidence.map { $0.outside.map(ShadowGaussian.logit) },
            priorDegrees: priorDegrees
        )
        return zip(observations, outside).map { observation, gaussian in
            gaussian.standardised(ShadowGaussian.logit(logLikelihood: LogLikelihood.mean(observation.tuned)))
        }
    }
}
