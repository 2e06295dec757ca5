import Foundation

/// Client-level ε of a federated run, estimated from one run with canary clients: Andrew, Kairouz, Oh, Oprea, McMahan &
/// Suriyakumar 2024 ("One-shot Empirical Privacy Estimation for Federated Learning"), for the final model only.
///
/// A canary client sends a random unit vector as its update. Whoever sees the model, even only the secure sum, computes the
/// cosine of each canary with the model's change: that of a random direction had it been left out, a shifted normal
/// distribution with it in.
/// A point estimate, not a bound: no confidence is attached to it.
public struct OneShotClientEstimate: Sendable, Equatable {
    /// Trained parameters, d.
    public let dimension: Int
    /// Mean cosine of the canaries.
    public let mean: Double
    /// Standard deviation of their cosines.
    public let deviation: Double

    /// From here on the cosine of a random direction is N(0, 1/d).
    private static let leastNormalDimension = 1000

    /// An estimate from a fitted normal distribution.
    ///
    /// - Parameters:
    ///   - dimension: at least 3.
    ///   - mean: of the canaries' cosines.
    ///   - deviation: their standard deviation, above 0.
    /// - Throws: `AuditError.outOfRange`.
    public init(dimension: Int, mean: Double, deviation: Double) throws(AuditError) {
        try AuditError.check("number of parameters", dimension, in: 3...Int.max)
        guard mean.isFinite, abs(mean) <= 1 else {
            throw .outOfRange(parameter: "mean cosine", value: "\(mean)", range: "-1 to 1")
        }
        guard deviation > 0, deviation.isFinite else {
            throw .outOfRange(parameter: "deviation of the cosines", value: "\(deviation)", range: "finite and above 0")
        }
        self.dimension = dimension
        self.mean = mean
        self.deviation = deviation
    }

    /// Fits the cosines of the canaries: mean, and standard deviation with n − 1.
    ///
    /// - Parameters:
    ///   - dimension: at least 3.
    ///   - cosines: of at least two canaries, each with the model's change.
    /// - Throws: `AuditError.outOfRange`.
    public init(dimension: Int, cosines: [Double]) throws(AuditError) {
        let fit = try Self.fit(cosines)
        try self.init(dimension: dimension, mean: fit.mean, deviation: fit.deviation)
    }

    /// The ε for a statistic of all rounds, whose distribution without a canary is not known and is fitted to canaries that took
    /// no part (Andrew et al. 2024, the estimate from all iterates).
    ///
    /// - Parameters:
    ///   - observed: of at least two canaries that took part.
    ///   - unobserved: of at least two that did not.
    ///   - delta: in (0, 1).
    /// - Throws: `AuditError.outOfRange`.
    public static func epsilon(observed: [Double], unobserved: [Double], delta: Double) throws(AuditError) -> Double {
        try check(delta: delta)
        return TwoGaussians(first: try fit(unobserved), second: try fit(observed)).epsilon(delta: delta)
    }

    /// Mean, and standard deviation with n − 1.
    static func fit(_ cosines: [Double]) throws(AuditError) -> (mean: Double, deviation: Double) {
        try AuditError.check("number of canary clients", cosines.count, in: 2...Int.max)
        let fit = moments(cosines)
        guard fit.deviation > 0, fit.deviation.isFinite else {
            throw .outOfRange(
                parameter: "deviation of the cosines",
                value: "\(fit.deviation)",
                range: "finite and above 0"
            )
        }
        return fit
    }

    /// The same of whatever at least two numbers are there.
    static func moments(_ cosines: [Double]) -> (mean: Double, deviation: Double) {
        let count = Double(cosines.count)
        let mean = cosines.reduce(0, +) / count
        let squares = cosines.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / (count - 1)).squareRoot())
    }

    private static func check(delta: Double) throws(AuditError) {
        guard delta > 0, delta < 1 else {
            throw .outOfRange(parameter: "δ", value: "\(delta)", range: "above 0 and below 1")
        }
    }

    /// The ε that tells the two distributions apart at δ.
    ///
    /// - Throws: `AuditError.outOfRange` for a δ outside (0, 1).
    public func epsilon(delta: Double) throws(AuditError) -> Double {
        try Self.check(delta: delta)
        if dimension < Self.leastNormalDimension {
            return RandomCosine(dimension: dimension).epsilon(mean: mean, deviation: deviation, delta: delta)
        }
        let unobserved = (mean: 0.0, deviation: 1 / Double(dimension).squareRoot())
        return TwoGaussians(first: unobserved, second: (mean, deviation)).epsilon(delta: delta)
    }
}
