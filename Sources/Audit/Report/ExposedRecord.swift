/// A record that was trained on and whose score stands far above the held-out ones': an average hides it.
public struct ExposedRecord: Codable, Sendable, Equatable {
    /// Salted: it names the record to whoever holds the plan.
    public var record: String
    /// Its data holder.
    public var holder: String
    /// From where it is seen best.
    public var vantage: VantagePoint
    /// The attack: the strongest of that vantage point.
    public var attack: String
    /// The share of held-out records with a lower score, those with the same one counted by half.
    public var percentile: Double
    /// Its score above the mean of the held-out records', in their standard deviations.
    public var deviations: Double

    /// How many a report names.
    static let shown = 10

    /// The most exposed members by the strongest attack of each vantage point, the most exposed first.
    ///
    /// - Parameter views: each vantage point's strongest attack, with the scores of `records`.
    static func most(
        _ views: [(vantage: VantagePoint, attack: String, records: [ScoredRecord], sample: LabelledScores)]
    )
        -> [ExposedRecord]
    {
        var best: [String: ExposedRecord] = [:]
        for view in views {
            let heldOut = view.sample.heldOutScores
            let count = Double(heldOut.count)
            let mean = heldOut.reduce(0, +) / count
            let deviation = (heldOut.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)).squareRoot()
            let members = view.records.indices.filter { view.records[$0].isMember }
            let among = MidRanks.of(view.sample.scores)
            for (index, rank) in zip(members, MidRanks.of(view.sample.memberScores)) {
                let record = view.records[index]
                let score = view.sample.scores[index]
                let found = ExposedRecord(
                    record: record.id,
                    holder: record.holder,
                    vantage: view.vantage,
                    attack: view.attack,
                    percentile: (among[index] - rank) / count,
                    deviations: deviation > 0 ? (score - mean) / deviation : 0
                )
                if best[record.id].map({ found.isMoreExposed(than: $0) }) ?? true { best[record.id] = found }
            }
        }
        return Array(best.values.sorted { $0.isMoreExposed(than: $1) }.prefix(shown))
    }

    private func isMoreExposed(than other: ExposedRecord) -> Bool {
        (percentile, deviations, other.record) > (other.percentile, other.deviations, record)
    }
}
