import Foundation

/// A lower bound on ε from error rates of a membership test, by exact binomial bounds: Jagielski, Ullman & Oprea 2020; Nasr
/// et al. 2021.
///
/// Valid only for independent trials: one trial a training run, with a threshold fixed before. Records of one run share the
/// run's randomness; for them the figure is a heuristic and has to be called one.
public struct ClopperPearsonBound: Sendable, Equatable {
    /// The δ of the claim that is tested.
    public let delta: Double
    /// Lower bound of the true positive rate.
    public let truePositiveRate: Double
    /// Upper bound of the false positive rate.
    public let falsePositiveRate: Double
    /// Lower bound of the true negative rate.
    public let trueNegativeRate: Double
    /// Upper bound of the false negative rate.
    public let falseNegativeRate: Double

    /// Bounds each of the two rates at half the significance, so that both hold together.
    ///
    /// - Parameters:
    ///   - truePositives: members that were called members.
    ///   - members: trials with a member, at least 1.
    ///   - falsePositives: non-members that were called members.
    ///   - nonMembers: trials without, at least 1.
    ///   - delta: at least 0 and below 1.
    ///   - significance: chance to claim too much.
    /// - Throws: `AuditError.outOfRange`.
    public init(
        truePositives: Int,
        members: Int,
        falsePositives: Int,
        nonMembers: Int,
        delta: Double,
        significance: Double = 0.05
    ) throws(AuditError) {
        try AuditError.check("number of members", members, in: 1...Int.max)
        try AuditError.check("number of non-members", nonMembers, in: 1...Int.max)
        try AuditError.check("number of true positives", truePositives, in: 0...members)
        try AuditError.check("number of false positives", falsePositives, in: 0...nonMembers)
        try AuditError.check(delta: delta, significance: significance)
        self.delta = delta
        func lower(_ successes: Int, of trials: Int) -> Double {
            ClopperPearson.lower(successes: successes, trials: trials, alpha: significance / 2)
        }
        func upper(_ successes: Int, of trials: Int) -> Double {
            ClopperPearson.upper(successes: successes, trials: trials, alpha: significance / 2)
        }
        truePositiveRate = lower(truePositives, of: members)
        falsePositiveRate = upper(falsePositives, of: nonMembers)
        trueNegativeRate = lower(nonMembers - falsePositives, of: nonMembers)
        falseNegativeRate = upper(members - truePositives, of: members)
    }

    /// max(ln((TPR − δ)/FPR), ln((TNR − δ)/FNR), 0).
    public var epsilon: Double {
        func logRatio(_ right: Double, _ wrong: Double) -> Double { right > delta ? log((right - delta) / wrong) : 0 }
        return max(
            0,
            logRatio(truePositiveRate, falsePositiveRate),
            logRatio(trueNegativeRate, falseNegativeRate)
        )
    }

    /// The lower bound on μ of a mechanism with a Gaussian trade-off curve: Φ⁻¹(1 − FPR) − Φ⁻¹(FNR), at least 0.
    public var mu: Double {
        max(0, -Normal.quantile(falsePositiveRate) - Normal.quantile(falseNegativeRate))
    }
}
