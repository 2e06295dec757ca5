import DifferentialPrivacy
import Foundation

/// How far apart two normal distributions are, as an ε for a δ: exact, in both directions (Andrew, Kairouz, Oh, Oprea,
/// McMahan & Suriyakumar 2024).
struct TwoGaussians {
    /// Mean and standard deviation of the first.
    let first: (mean: Double, deviation: Double)
    /// Mean and standard deviation of the second.
    let second: (mean: Double, deviation: Double)

    /// The smallest ε ≥ 0 with which the two are (ε, δ)-indistinguishable.
    func epsilon(delta: Double) -> Double {
        func isCovered(_ epsilon: Double) -> Bool {
            max(Self.excess(of: first, over: second, epsilon), Self.excess(of: second, over: first, epsilon)) <= delta
        }
        if isCovered(0) { return 0 }
        return MonotoneSearch.boundary(startingAt: 1, tolerance: 1e-13, isCovered).above
    }

    /// The hockey-stick divergence P[S] − e^ε Q[S], where S is where the log-ratio exceeds ε: a y² + b y + c > ε.
    private static func excess(
        of p: (mean: Double, deviation: Double),
        over q: (mean: Double, deviation: Double),
        _ epsilon: Double
    ) -> Double {
        let (precisionP, precisionQ) = (1 / (p.deviation * p.deviation), 1 / (q.deviation * q.deviation))
        let a = (precisionQ - precisionP) / 2
        let b = p.mean * precisionP - q.mean * precisionQ
        let c = (q.mean * q.mean * precisionQ - p.mean * p.mean * precisionP) / 2 + log(q.deviation / p.deviation)
        if a == 0 {
            if b == 0 { return 0 }
            let edge = (epsilon - c) / b
            return difference(p, q, epsilon, b > 0 ? [edge ... .infinity] : [-.infinity...edge])
        }
        let discriminant = b * b - 4 * a * (c - epsilon)
        if discriminant <= 0 { return a > 0 ? -expm1(epsilon) : 0 }
        // The root of larger size first; the other from their product, without cancellation.
        let far = -(b + (b < 0 ? -1 : 1) * discriminant.squareRoot()) / 2
        let roots = [far / a, (c - epsilon) / far].sorted()
        return difference(
            p,
            q,
            epsilon,
            a > 0 ? [-.infinity...roots[0], roots[1] ... .infinity] : [roots[0]...roots[1]]
        )
    }

    /// P[S] − e^ε Q[S] over disjoint intervals.
    private static func difference(
        _ p: (mean: Double, deviation: Double),
        _ q: (mean: Double, deviation: Double),
        _ epsilon: Double,
        _ intervals: [ClosedRange<Double>]
    ) -> Double {
        intervals.reduce(0) { sum, interval in
            let ofQ = mass(interval, q)
            return sum + mass(interval, p) - (ofQ > 0 ? exp(epsilon + log(ofQ)) : 0)
        }
    }

    /// The probability of an interval, from whichever tail loses no digits.
    private static func mass(_ interval: ClosedRange<Double>, _ normal: (mean: Double, deviation: Double)) -> Double {
        let low = (interval.lowerBound - normal.mean) / normal.deviation
        let high = (interval.upperBound - normal.mean) / normal.deviation
        return low > 0
            ? Normal.upperTail(low) - Normal.upperTail(high) : Normal.cumulative(high) - Normal.cumulative(low)
    }
}
