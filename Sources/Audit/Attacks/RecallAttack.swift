/// RECALL (Xie et al. 2024): how little the likelihood of a record changes behind records that nobody trained on.
public struct RecallAttack: Attack {
    /// `RECALL`.
    public let name = "RECALL"
    /// One sentence for the report.
    public let explanation = "Whether strange text before the record disturbs the model's prediction of it."
    /// What the attacker has.
    public let assumption = "The attacker has records of the same kind that nobody trained on."
    /// Compares with the record behind a prefix.
    public let needs: Set<Evidence> = [.prefixed]

    /// Has no parameters.
    public init() {}

    /// LL(x | P) / LL(x), both negative: above 1 where the prefix hurts.
    ///
    /// - Throws: `AuditError.unusableObservation` when the record was not scored behind a prefix.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map {
            guard let prefixed = $0.prefixed, !prefixed.isEmpty else {
                throw AuditError.unusableObservation(record: $0.record.id, reason: "it was not scored behind a prefix")
            }
            // A record that is certain to the last bit has nothing left to disturb.
            let alone = min(LogLikelihood.mean($0.tuned), -1e-12)
            return LogLikelihood.mean(prefixed) / alone
        }
    }
}
