/// Two AUCs on the same records compared, their correlation taken into account (DeLong et al. 1988, section 4).
public struct PairedDeLong: Sendable {
    /// First AUC minus second.
    public let difference: Double
    /// Variances on the diagonal, covariance off it; `[2][2]`.
    public let covariance: [[Double]]
    /// The difference over its standard error; 0 when both score alike, ±infinity when they differ without any spread.
    public let z: Double
    /// Two-sided p-value of "the AUCs are equal".
    public let pValue: Double

    /// Compares `first` with `second`.
    ///
    /// - Throws: `AuditError.mismatchedCounts` when the two are not about the same records.
    public init(_ first: LabelledScores, _ second: LabelledScores) throws {
        guard first.isMember == second.isMember, first.clusters == second.clusters else {
            throw AuditError.mismatchedCounts(
                what: "records to compare in pairs",
                expected: first.count,
                found: second.count
            )
        }
        let a = DeLong(first)
        let b = DeLong(second)
        let cross = a.covariance(with: b)
        difference = a.auc - b.auc
        covariance = [[a.variance, cross], [cross, b.variance]]
        let variance = a.variance + b.variance - 2 * cross
        // Equal scores leave a variance of rounding errors only; dividing by it would invent a difference.
        if variance > 1e-18 {
            z = difference / variance.squareRoot()
        } else {
            z = abs(difference) < 1e-12 ? 0 : (difference > 0 ? .infinity : -.infinity)
        }
        pValue = 2 * Normal.upperTail(abs(z))
    }

    /// Standard error of the difference.
    public var standardError: Double {
        max(0, covariance[0][0] + covariance[1][1] - 2 * covariance[0][1]).squareRoot()
    }

    /// Interval of the difference.
    public func interval(confidence: Double = 0.95) -> ConfidenceInterval {
        let half = Normal.quantile(1 - (1 - confidence) / 2) * standardError
        return ConfidenceInterval(lower: difference - half, upper: difference + half)
    }
}
