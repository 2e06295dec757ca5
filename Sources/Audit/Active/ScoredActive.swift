/// The scores of a fork under a lying coordinator, without anything that a record says.
public struct ScoredActive: Sendable {
    /// The fork.
    public var evidence: ActiveEvidence
    /// The targets.
    public var records: [ScoredRecord]
    /// `[targets]`, by the baseline that sees no model.
    public var blind: [Double]
    /// The active attacks from each vantage point.
    public var views: [(vantage: VantagePoint, attacks: [AttackScores])]

    /// Scores the targets.
    ///
    /// - Parameters:
    ///   - blind: scores of the baseline by position of the record; it was fitted on all records, as nobody else's coins are known.
    /// - Throws: `AuditError`.
    init(_ evidence: ActiveEvidence, of records: [AuditedRecord], attacks: [any Attack], blind: [Int: Double]) throws {
        self.evidence = evidence
        let targets = evidence.targets.map { records[$0] }
        self.records = targets.map { ScoredRecord($0) }
        self.blind = evidence.targets.map { blind[$0] ?? 0 }
        views = try evidence.views.map { vantage, rounds in
            let observations = zip(targets, rounds).map {
                RecordObservation(record: $0, tuned: [], reference: [], rounds: $1)
            }
            return (
                vantage,
                try attacks.filter { $0.needs.contains(.active) }.map {
                    AttackScores(attack: $0.name, scores: try $0.checkedScores(of: observations))
                }
            )
        }
    }
}
