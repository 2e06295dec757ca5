/// NEIGHBOUR (Mattern et al. 2023, arXiv 2305.18462): the log-likelihood lost when some of the record's tokens are replaced by
/// others that could stand there.
public struct NeighbourAttack: Attack {
    /// `NEIGHBOUR`.
    public let name = "NEIGHBOUR"
    /// One sentence for the report.
    public let explanation =
        "Whether the model prefers the record exactly as written to variants of it with other likely words."
    /// What the attacker has.
    public let assumption =
        "The attacker has the record, the tuned model's probabilities, and the model before tuning, which writes the variants."
    /// Compares with variants.
    public let needs: Set<Evidence> = [.neighbours]

    /// Has no parameters.
    public init() {}

    /// LL(x) − mean over variants of LL(x̃).
    ///
    /// - Throws: `AuditError.unusableObservation` when no variant was scored.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map {
            guard let variants = $0.neighbours, !variants.isEmpty else {
                throw AuditError.unusableObservation(record: $0.record.id, reason: "no variant of it was scored")
            }
            return LogLikelihood.mean($0.tuned) - variants.reduce(0, +) / Double(variants.count)
        }
    }
}
