import TensorEngine

/// The audit's figures for one list of scores, whoever made them.
public struct ScoreMetrics: Codable, Sendable, Equatable {
    /// The false-positive rates that are looked at.
    public static let levels = ["0.001", "0.01", "0.05", "0.1"]

    /// Records trained on.
    public var members: Int
    /// Records held out.
    public var nonmembers: Int
    /// Area under the ROC curve, Mann–Whitney with mid-ranks.
    public var auc: Double
    /// 95 % interval of the AUC: DeLong on the logit scale.
    public var aucInterval: [Double]
    /// DeLong's variance of the AUC.
    public var deLongVariance: Double
    /// One-sided p-value of "members score higher" (Mann–Whitney, ties and continuity corrected).
    public var pValue: Double
    /// The true-positive rate at each false-positive rate, step convention.
    public var truePositiveRates: [String: Double]
    /// 95 % bootstrap intervals of these, both sides resampled; joined with the exact binomial one where a rate is 0 or 1.
    public var truePositiveRateIntervals: [String: [Double]]
    /// The smallest false-positive rate that so many held-out records resolve.
    public var smallestFalsePositiveRate: Double
    /// The smallest AUC that so many records are expected to tell from chance.
    public var smallestDetectableAUC: Double

    enum CodingKeys: String, CodingKey {
        case members
        case nonmembers
        case auc
        case aucInterval = "auc_ci"
        case deLongVariance = "delong_variance"
        case pValue = "p_value"
        case truePositiveRates = "tpr"
        case truePositiveRateIntervals = "tpr_ci"
        case smallestFalsePositiveRate = "smallest_fpr"
        case smallestDetectableAUC = "smallest_detectable_auc"
    }

    /// Computes the figures.
    ///
    /// - Parameters:
    ///   - sample: higher = more likely a member.
    ///   - replicates: of the bootstrap.
    ///   - seed: of the bootstrap.
    public init(_ sample: LabelledScores, replicates: Int = 2_000, seed: UInt64 = 0) {
        let deLong = DeLong(sample)
        let interval = deLong.interval()
        let curve = ROCCurve(sample)
        var generator = SeededGenerator(seed: seed).derive("metrics")
        let levels = Self.levels.compactMap { name in Double(name).map { (name, $0) } }
        let intervals = Bootstrap.truePositiveRateIntervals(
            of: sample,
            levels: levels.map(\.1),
            replicates: replicates,
            using: &generator
        )
        members = sample.memberCount
        nonmembers = sample.heldOutCount
        auc = deLong.auc
        aucInterval = [interval.lower, interval.upper]
        deLongVariance = deLong.variance
        pValue = AUC.mannWhitneyPValue(of: sample)
        truePositiveRates = Dictionary(
            uniqueKeysWithValues: levels.map { ($0.0, curve.truePositiveRate(atFalsePositiveRate: $0.1)) }
        )
        truePositiveRateIntervals = Dictionary(
            uniqueKeysWithValues: zip(levels, intervals).map { level, interval in
                let rate = curve.truePositiveRate(atFalsePositiveRate: level.1)
                let wide = interval.widened(for: rate, trials: sample.memberCount)
                return (level.0, [wide.lower, wide.upper])
            }
        )
        smallestFalsePositiveRate = 1 / Double(sample.heldOutCount)
        smallestDetectableAUC = AUC.smallestDetectable(members: sample.memberCount, heldOut: sample.heldOutCount)
    }
}
