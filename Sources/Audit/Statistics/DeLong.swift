import Foundation

/// The AUC with its variance from structural components (DeLong, DeLong & Clarke-Pearson 1988), for records that may come in
/// clusters sharing one inclusion coin (Obuchowski 1997): with one record a cluster the two are the same.
///
/// Sun & Xu's rank form (2014) makes it O(n log n).
public struct DeLong: Sendable {
    /// The AUC.
    public let auc: Double
    /// Its variance; 0 when the scores separate perfectly or all tie.
    public let variance: Double
    /// Per cluster of members, the sum of V₁₀ − AUC over its records, in order of first appearance.
    let memberComponents: [Double]
    /// Per cluster of held-out records, the sum of V₀₁ − AUC.
    let heldOutComponents: [Double]
    private let members: Int
    private let heldOut: Int

    /// Computes AUC and components.
    public init(_ sample: LabelledScores) {
        let all = MidRanks.of(sample.scores)
        let memberIndices = sample.isMember.indices.filter { sample.isMember[$0] }
        let heldOutIndices = sample.isMember.indices.filter { !sample.isMember[$0] }
        let amongMembers = MidRanks.of(memberIndices.map { sample.scores[$0] })
        let amongHeldOut = MidRanks.of(heldOutIndices.map { sample.scores[$0] })
        let memberTotal = Double(memberIndices.count)
        let heldOutTotal = Double(heldOutIndices.count)

        let v10 = zip(memberIndices, amongMembers).map { (all[$0] - $1) / heldOutTotal }
        let v01 = zip(heldOutIndices, amongHeldOut).map { 1 - (all[$0] - $1) / memberTotal }
        let auc = v10.reduce(0, +) / memberTotal
        self.auc = auc
        members = memberIndices.count
        heldOut = heldOutIndices.count
        memberComponents = Self.sums(of: v10.map { $0 - auc }, by: memberIndices.map { sample.clusters[$0] })
        heldOutComponents = Self.sums(of: v01.map { $0 - auc }, by: heldOutIndices.map { sample.clusters[$0] })
        variance =
            Self.covariance(memberComponents, memberComponents, records: members)
            + Self.covariance(heldOutComponents, heldOutComponents, records: heldOut)
    }

    /// Standard error of the AUC.
    public var standardError: Double { variance.squareRoot() }

    /// The interval on the logit scale, so that it never leaves [0, 1].
    ///
    /// Perfect separation has no spread to estimate a variance from, and neither have scores that all tie; then the exact
    /// binomial interval on the smaller side's number of coins stands in, which is wide for few records, as it should be.
    public func interval(confidence: Double = 0.95) -> ConfidenceInterval {
        guard variance > 0, auc > 0, auc < 1 else {
            let trials = max(1, min(memberComponents.count, heldOutComponents.count))
            let successes = Int((auc * Double(trials)).rounded())
            return ClopperPearson.interval(successes: successes, trials: trials, confidence: confidence)
        }
        let half = Normal.quantile(1 - (1 - confidence) / 2) * standardError / (auc * (1 - auc))
        let center = log(auc / (1 - auc))
        return ConfidenceInterval(lower: 1 / (1 + exp(-(center - half))), upper: 1 / (1 + exp(-(center + half))))
    }

    /// Covariance contribution of one side: c/(c−1) · Σ a_k b_k / n², over c clusters holding n records.
    static func covariance(_ a: [Double], _ b: [Double], records: Int) -> Double {
        guard a.count > 1 else { return 0 }
        let sum = zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        return Double(a.count) / Double(a.count - 1) * sum / (Double(records) * Double(records))
    }

    /// Covariance of two AUCs on the same records with the same truth and clusters.
    func covariance(with other: DeLong) -> Double {
        Self.covariance(memberComponents, other.memberComponents, records: members)
            + Self.covariance(heldOutComponents, other.heldOutComponents, records: heldOut)
    }

    private static func sums(of values: [Double], by clusters: [Int]) -> [Double] {
        var position: [Int: Int] = [:]
        var sums: [Double] = []
        for (value, cluster) in zip(values, clusters) {
            if let index = position[cluster] {
                sums[index] += value
            } else {
                position[cluster] = sums.count
                sums.append(value)
            }
        }
        return sums
    }
}
