import Foundation

/// From Rényi differential privacy to (ε, δ): Canonne, Kamath & Steinke 2020, Proposition 12.
enum RenyiConversion {
    /// Below this order the bound divides by almost nothing.
    private static let smallestOrder = 1.01

    /// The smallest ε ≥ 0 for δ that one order gives: ρ + ln((α−1)/α) − (ln δ + ln α)/(α−1).
    static func epsilon(order: Double, divergence: Double, delta: Double) -> Double {
        if isNegligible(divergence, delta: delta) { return 0 }
        if order < smallestOrder { return .infinity }
        return max(0, divergence + log1p(-1 / order) - (log(delta) + log(order)) / (order - 1))
    }

    /// The smallest δ for ε that one order gives.
    static func delta(order: Double, divergence: Double, epsilon: Double) -> Double {
        let totalVariation = (-expm1(-divergence)).squareRoot()
        if order < smallestOrder { return totalVariation }
        let logarithm = (order - 1) * (divergence - epsilon + log1p(-1 / order)) - log(order)
        return min(totalVariation, exp(logarithm))
    }

    /// Whether the total variation distance is at most δ already: it is at most √(1 − e^(−KL)) (Bretagnolle & Huber
    /// 1979), and the Kullback–Leibler divergence at most any Rényi divergence of order above 1.
    private static func isNegligible(_ divergence: Double, delta: Double) -> Bool {
        delta * delta + expm1(-divergence) >= 0
    }
}
