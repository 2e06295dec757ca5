/// The scores of a run's canaries, apart from those of its records.
public struct ScoredCanaries: Sendable {
    /// The canaries that were scored; each has a coin of its own.
    public var records: [ScoredRecord]
    /// Canaries left out because none of their tokens carries loss after truncation.
    public var leftOut: Int
    /// One entry a vantage point, aligned with ``records``.
    public var vantages: [ScoredVantage]

    /// Keeps the values.
    public init(records: [ScoredRecord], leftOut: Int, vantages: [ScoredVantage]) {
        self.records = records
        self.leftOut = leftOut
        self.vantages = vantages
    }
}

extension PrivacyMeasurement {
    /// The best bounds that canaries of one number of repetitions give; nil when they are too few.
    ///
    /// Kinds differ in how likely their texts are, so each score is taken relative to the median of its kind, which no coin
    /// moves: the canaries of all kinds and tiers are in it, and which of them are in is not looked at.
    ///
    /// - Parameters:
    ///   - canaries: all of the run's.
    ///   - repetitions: those that are guessed.
    ///   - delta: of the bounds.
    ///   - families: groups of tests that share the significance.
    /// - Throws: `AuditError.outOfRange` for a δ that is none.
    init?(canaries: ScoredCanaries, repetitions: Int, delta: Double, families: Int) throws {
        let records = canaries.records
        let own = records.indices.filter { records[$0].canary?.repetitions == repetitions }
        let sides = Set(own.map { records[$0].isMember })
        guard sides.count == 2 else { return nil }
        let kinds = Dictionary(grouping: records.indices) { records[$0].canary?.kind }
        var samples: [VantagePoint: [String: LabelledScores]] = [:]
        // Guesses at several vantage points are about the same canaries: an owner who answered one holder sees too few.
        for view in canaries.vantages where view.positions.map({ $0.count == records.count }) ?? true {
            for list in view.attacks {
                var scores = list.scores
                for kind in kinds.values {
                    let center = Bootstrap.quantile(kind.map { scores[$0] }, 0.5)
                    for index in kind { scores[index] -= center }
                }
                samples[view.vantage, default: [:]][list.attack] = try LabelledScores(
                    scores: own.map { scores[$0] },
                    isMember: own.map { records[$0].isMember }
                )
            }
        }
        try self.init(samples: samples, delta: delta, families: families)
    }
}
