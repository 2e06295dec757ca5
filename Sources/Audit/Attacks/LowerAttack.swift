/// LOWER (Carlini et al. 2021): the log-likelihood lost when the record is put in lower case.
public struct LowerAttack: Attack {
    /// `LOWER`.
    public let name = "LOWER"
    /// One sentence for the report.
    public let explanation = "Whether the model prefers the record exactly as written to the same words in lower case."
    /// Compares with the lower-cased record.
    public let needs: Set<Evidence> = [.lowered]

    /// Has no parameters.
    public init() {}

    /// LL(x) − LL(lower(x)), the lower-cased text tokenised anew.
    ///
    /// - Throws: `AuditError.unusableObservation` when the lower-cased form was not scored.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map {
            guard let lowered = $0.lowered, !lowered.isEmpty else {
                throw AuditError.unusableObservation(
                    record: $0.record.id,
                    reason: "its lower-cased form was not scored"
                )
            }
            return LogLikelihood.mean($0.tuned) - LogLikelihood.mean(lowered)
        }
    }
}
