/// SAMIA (Kaneko et al. 2024, arXiv 2404.11262): how much of the record's second half the model writes by itself after the first.
public struct SamiaAttack: Attack {
    /// `SAMIA`.
    public let name = "SAMIA"
    /// One sentence for the report.
    public let explanation = "How much of the record’s second half the model writes when it is given the first."
    /// What the attacker has.
    public let assumption = "The attacker has the record and can let the tuned model write; it needs no probabilities."
    /// Compares with what the model writes.
    public let needs: Set<Evidence> = [.continuations]
    private let weightsByZlib: Bool

    /// - Parameter weightsByZlib: whether each overlap counts by the bytes of the compressed continuation.
    public init(weightsByZlib: Bool = false) { self.weightsByZlib = weightsByZlib }

    /// Mean over continuations of the ROUGE-N recall, times the bytes of zlib(continuation) where asked for.
    ///
    /// - Throws: `AuditError.unusableObservation` when nothing was drawn.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map {
            guard let drawn = $0.continuations, !drawn.isEmpty else {
                throw AuditError.unusableObservation(record: $0.record.id, reason: "the model was not let continue it")
            }
            let sum = drawn.reduce(0) { $0 + $1.recall * (weightsByZlib ? Double($1.compressedBytes) : 1) }
            return sum / Double(drawn.count)
        }
    }
}
