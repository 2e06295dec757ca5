import Foundation

/// The privacy loss of one Gaussian mechanism on a Poisson sample, add-or-remove-one, as a function of its output x.
///
/// Removing a participant compares P = (1−q) N(0, σ²) + q N(1, σ²) with Q = N(0, σ²); its loss L(x) = ln(P/Q) rises with x
/// from ln(1−q) on. Adding one compares Q with P, so that its loss is −L(x) (Zhu, Dong & Wang 2022).
package struct SampledGaussianLoss {
    /// Which of the two data sets holds the participant.
    package enum Direction: CaseIterable {
        case remove
        case add
    }

    /// Sampling rate, in (0, 1).
    package let rate: Double
    /// σ in units of the sensitivity.
    package let noise: Double

    /// The loss of a rate in (0, 1) and a noise multiplier.
    package init(rate: Double, noise: Double) {
        self.rate = rate
        self.noise = noise
    }

    /// L(x) = ln(1 − q + q e^((2x−1)/2σ²)).
    package func logRatio(_ x: Double) -> Double {
        let exponent = (2 * x - 1) / (2 * noise * noise)
        if exponent < 30 { return log1p(rate * expm1(exponent)) }
        return exponent + log(rate + (1 - rate) * exp(-exponent))
    }

    /// The x with L(x) = `logRatio`; −∞ where L never gets that small.
    package func output(logRatio: Double) -> Double {
        let odds =
            logRatio < 30 ? log1p(expm1(logRatio) / rate) : logRatio + log((1 - exp(-logRatio)) / rate + exp(-logRatio))
        return odds.isNaN ? -.infinity : 0.5 + noise * noise * odds
    }

    /// The density that a direction's loss is distributed by: P when removing, Q when adding.
    func density(_ x: Double, logRatio: Double, _ direction: Direction) -> Double {
        let exponent = -x * x / (2 * noise * noise) + (direction == .remove ? logRatio : 0)
        return exp(exponent) / (noise * (2 * Double.pi).squareRoot())
    }

    /// Disjoint intervals of x, in order, outside which that density has at most twice `tail` of its mass.
    func support(tail: Double, _ direction: Direction) -> [ClosedRange<Double>] {
        // P[|Z| > z] ≤ e^(−z²/2).
        let reach = noise * (-2 * log(tail)).squareRoot()
        switch direction {
        case .add: return [-reach...reach]
        case .remove where reach >= 0.5: return [-reach...(1 + reach)]
        case .remove: return [-reach...reach, (1 - reach)...(1 + reach)]
        }
    }
}
