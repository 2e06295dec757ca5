import Foundation

/// Rényi divergence of one Gaussian mechanism on a Poisson sample, add-or-remove-one (Mironov, Talwar & Zhang 2019).
///
/// With r(x) = (1−q) + q e^((2x−1)/2σ²), it is ln E[r(x)^α] / (α−1) over x ~ N(0, σ²); their Theorem 5 says that the other
/// direction is never larger. E[r^α] − 1 is what is summed here, over terms of one sign: a small q must not round to nothing,
/// because many rounds may follow.
struct PoissonRenyiDivergence {
    /// Sampling rate, in (0, 1].
    let rate: Double
    /// σ in units of the sensitivity.
    let noise: Double

    /// The divergence of an order above 1, per round.
    func callAsFunction(order: Double) -> Double {
        if rate == 1 { return order / (2 * noise * noise) }
        return (order == order.rounded() ? binomialMoment(order) : quadratureMoment(order)) / (order - 1)
    }

    /// ln Σₖ C(α,k) (1−q)^(α−k) q^k e^((k²−k)/2σ²), their section 3, for a whole α; the binomial weights sum to 1.
    private func binomialMoment(_ order: Double) -> Double {
        var sum = LogSum()
        for k in stride(from: 2, through: order, by: 1) {
            let exponent = (k * k - k) / (2 * noise * noise)
            sum.add(
                LogBinomial.coefficient(order, k) + (order - k) * log1p(-rate) + k * log(rate)
                    + exponent + log(-expm1(-exponent))
            )
        }
        return sum.valueOfOneMore
    }

    /// ln E[r(x)^α] by the trapezoidal rule, which converges geometrically for an integrand that is analytic in a strip and
    /// dies off at both ends (Trefethen & Weideman 2014, section 5).
    ///
    /// r has its zeros πσ² off the real line: that, or the width of the bell where it is large, sets the step.
    private func quadratureMoment(_ order: Double) -> Double {
        let variance = noise * noise
        let windows = GaussianWindows(
            from: 0,
            to: order,
            reach: (2 * (60 + order * M_LN2)).squareRoot() * noise,
            step: min(noise / 2, 0.4 * variance)
        )
        let loss = SampledGaussianLoss(rate: rate, noise: noise)
        var sum = LogSum()
        sum.add(
            windows.logIntegral { x in
                Self.logExcess(of: order, logRatio: loss.logRatio(x)) - x * x / (2 * variance)
            } - log(noise * (2 * Double.pi).squareRoot())
        )
        return sum.valueOfOneMore
    }

    /// ln(r^α − 1 − α(r−1)), which is positive and has the mean E[r^α] − 1, as E[r] = 1.
    private static func logExcess(of order: Double, logRatio: Double) -> Double {
        let power = order * logRatio
        if power > 30 { return power + log1p(-exp(log(order) + logRatio - power) + (order - 1) * exp(-power)) }
        let u = expm1(logRatio)
        if abs(u) > 1e-3 { return log(expm1(power) - order * u) }
        // The difference would lose its digits: the binomial series from its quadratic term on.
        var coefficient = order
        var sum = 0.0
        for k in stride(from: 2.0, through: 8, by: 1) {
            coefficient *= (order - k + 1) / k
            sum += coefficient * pow(u, k - 2)
        }
        return 2 * log(abs(u)) + log(sum)
    }
}
