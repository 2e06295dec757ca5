import Federation
import Foundation

/// What a run gives away of whole participants, measured on canary clients: an estimate of their ε (Andrew et al. 2024), which is
/// no bound, and a lower bound on it from guessing their coins (Steinke, Nasr & Jagielski 2023), which is one.
public struct ClientCanaryReport: Codable, Sendable, Equatable {
    /// Canaries that took part.
    public var included: Int
    /// Canaries that did not.
    public var heldOut: Int
    /// In how many rounds one sent its direction: `once` or `always`.
    public var presence: String
    /// Euclidean norm of what it sent.
    public var norm: Double
    /// Numbers in the adapter.
    public var dimension: Int
    /// The δ of estimates and bounds.
    public var delta: Double
    /// What was measured from where.
    public var statistics: [Statistic]
    /// Lower bounds; nil for too few canaries.
    public var bounds: PrivacyMeasurement?

    /// A cosine by which canaries are told.
    public struct Statistic: Codable, Sendable, Equatable {
        /// `FINAL-COSINE` or `ROUND-COSINE`.
        public var name: String
        /// Who has what it takes.
        public var vantage: VantagePoint
        /// How well it tells canaries that took part from those that did not.
        public var auc: Double
        /// 95 % interval of the AUC: DeLong on the logit scale.
        public var aucInterval: ConfidenceInterval
        /// Mean cosine of those that took part; of the others it is 0 in expectation.
        public var mean: Double
        /// Standard deviation of the same.
        public var deviation: Double
        /// Standard deviation of the cosine of a direction that nobody sent: 1 / √d of the final cosine, fitted to the canaries
        /// that took no part of the other.
        public var randomDeviation: Double
        /// The estimated ε at ``ClientCanaryReport/delta``: a point estimate, no bound; nil where it would say more of the fit
        /// than of the run.
        public var estimate: Double?
    }

    /// Canaries on either side from which on a fitted deviation, right within an eighth, may stand in an estimate: the tails at a
    /// small δ turn a deviation that is off by a fifth into an ε of 10 and more.
    static let fewestForEstimate = 30

    /// What every participant can measure, from the first and the last adapter.
    public static let finalCosine = "FINAL-COSINE"
    /// What those can measure who keep the adapter of every round.
    public static let roundCosine = "ROUND-COSINE"

    /// Measures the canaries of a run.
    ///
    /// - Parameters:
    ///   - scores: what the run kept.
    ///   - delta: of estimates and bounds.
    ///   - families: groups of tests, these among them, that share the significance in equal parts.
    /// - Throws: `AuditError.emptyClass` where the coins put all canaries on one side; `AuditError.outOfRange`.
    public init(_ scores: CanaryClientScores, delta: Double, families: Int = 1) throws {
        included = scores.isIncluded.count(where: \.self)
        heldOut = scores.isIncluded.count - included
        guard included > 1, heldOut > 1 else {
            throw AuditError.emptyClass(name: included > 1 ? "held-out canary client" : "canary client that took part")
        }
        presence = scores.canaries.presence.rawValue
        norm = scores.canaries.norm
        dimension = scores.dimension
        self.delta = delta
        let measured = try [
            (Self.roundCosine, VantagePoint.aggregate, scores.byRound), (Self.finalCosine, .peer, scores.final),
        ].map { name, vantage, cosines in
            (name, vantage, cosines, try LabelledScores(scores: cosines, isMember: scores.isIncluded))
        }
        let dimension = scores.dimension
        // Canaries that no round drew are a second distribution under the same coin.
        let isEstimated = min(included, heldOut) >= Self.fewestForEstimate && scores.isSampled != true
        statistics = try measured.map { name, vantage, cosines, sample in
            let (observed, unobserved) = (sample.memberScores, sample.heldOutScores)
            let fit = OneShotClientEstimate.moments(observed)
            let hasSpread = fit.deviation > 0 && OneShotClientEstimate.moments(unobserved).deviation > 0
            let deLong = DeLong(sample)
            // Of one vector the distribution without a canary is known; rounds resemble one another.
            let isFinal = name == Self.finalCosine
            return Statistic(
                name: name,
                vantage: vantage,
                auc: deLong.auc,
                aucInterval: deLong.interval(),
                mean: fit.mean,
                deviation: fit.deviation,
                randomDeviation: isFinal
                    ? 1 / Double(dimension).squareRoot() : OneShotClientEstimate.moments(unobserved).deviation,
                estimate: !isEstimated || !hasSpread
                    ? nil
                    : isFinal
                        ? try OneShotClientEstimate(dimension: dimension, cosines: observed).epsilon(delta: delta)
                        : try OneShotClientEstimate.epsilon(observed: observed, unobserved: unobserved, delta: delta)
            )
        }
        bounds = try PrivacyMeasurement(
            samples: Dictionary(measured.map { ($0.1, [$0.0: $0.3]) }, uniquingKeysWith: { first, _ in first }),
            delta: delta,
            families: families
        )
    }
}

extension RunFacts {
    /// The δ of bounds on participants: the largest that is stated about them, or the usual one.
    public var clientDelta: Double {
        (protections ?? []).filter { $0.isComparable(to: .holder) }.map(\.delta).max() ?? PrivacyMeasurement.usualDelta
    }
}
