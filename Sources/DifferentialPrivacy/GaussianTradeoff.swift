import Foundation

/// The trade-off curve of the Gaussian mechanism: telling N(0, 1) from N(μ, 1) (Dong, Roth & Su 2022, "μ-GDP").
///
/// Composition is exact: T rounds of noise σ (in units of the sensitivity) on everybody are μ = √T/σ.
public struct GaussianTradeoff: Sendable, Equatable {
    /// Distance of the two normal distributions in standard deviations, at least 0.
    public let mu: Double

    /// The curve of μ.
    public init(mu: Double) { self.mu = mu }

    /// The curve that passes through (ε, δ), for ε ≥ 0 and 0 < δ < 1.
    public init(epsilon: Double, delta: Double) {
        let root = MonotoneSearch.boundary(startingAt: 1, tolerance: 1e-14) {
            GaussianTradeoff(mu: $0).delta(epsilon: epsilon) > delta
        }
        mu = root.below
    }

    /// δ(ε) = Φ(−ε/μ + μ/2) − e^ε Φ(−ε/μ − μ/2) (Balle & Wang 2018, Theorem 8), for ε ≥ 0.
    public func delta(epsilon: Double) -> Double {
        if mu <= 0 { return 0 }
        let first = NormalTail.log(above: epsilon / mu - mu / 2)
        let second = epsilon + NormalTail.log(above: epsilon / mu + mu / 2)
        return exp(first) * -expm1(min(0, second - first))
    }

    /// The smallest ε ≥ 0 with δ(ε) ≤ `delta`, for 0 < δ < 1; exact to rounding, and rounded up.
    public func epsilon(delta: Double) -> Double {
        if self.delta(epsilon: 0) <= delta { return 0 }
        return MonotoneSearch.boundary(startingAt: 1, tolerance: 1e-14) { self.delta(epsilon: $0) <= delta }.above
    }
}
