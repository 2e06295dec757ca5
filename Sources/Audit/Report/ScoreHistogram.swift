/// Scores of members and held-out records in common bins.
public struct ScoreHistogram: Codable, Sendable, Equatable {
    /// The left edge of the first bin.
    public var lower: Double
    /// The right edge of the last bin.
    public var upper: Double
    /// Members in each bin.
    public var members: [Int]
    /// Held-out records in each bin.
    public var heldOut: [Int]

    /// Counts the scores in bins of equal width.
    ///
    /// The outer 0.5 % on either side go into the first and last bin: one wild score must not squeeze all others into one bar.
    public init(_ sample: LabelledScores, bins: Int = 32) {
        var low = Bootstrap.quantile(sample.scores, 0.005)
        var high = Bootstrap.quantile(sample.scores, 0.995)
        if high <= low {
            low -= 0.5
            high += 0.5
        }
        let origin = low
        let width = (high - low) / Double(bins)
        func counts(_ scores: [Double]) -> [Int] {
            var counts = [Int](repeating: 0, count: bins)
            for score in scores { counts[Int(min(Double(bins - 1), max(0, (score - origin) / width)))] += 1 }
            return counts
        }
        lower = low
        upper = high
        members = counts(sample.memberScores)
        heldOut = counts(sample.heldOutScores)
    }
}
