import DifferentialPrivacy
import Foundation

/// The cosine of a random direction with a fixed one, in few dimensions: density Z (1 − t²)^((d−3)/2) on [−1, 1].
struct RandomCosine {
    /// At least 3.
    let dimension: Int

    private static let points = 40_000

    /// The smallest ε ≥ 0 with which it and a normal distribution are (ε, δ)-indistinguishable, in both directions; by the
    /// trapezoidal rule on [−1, 1].
    func epsilon(mean: Double, deviation: Double, delta: Double) -> Double {
        let step = 2 / Double(Self.points)
        let exponent = Double(dimension - 3) / 2
        var sign: Int32 = 0
        let logScale =
            lgamma_r(Double(dimension) / 2, &sign) - lgamma_r(Double(dimension - 1) / 2, &sign) - log(Double.pi) / 2
        let densities = (1..<Self.points).map { index -> (random: Double, normal: Double) in
            let t = -1 + Double(index) * step
            let z = (t - mean) / deviation
            return (
                exp(logScale + exponent * log1p(-t * t)),
                exp(-z * z / 2) / (deviation * (2 * Double.pi).squareRoot())
            )
        }
        func isCovered(_ epsilon: Double) -> Bool {
            let factor = exp(epsilon)
            var normal = 0.0
            var random = 0.0
            for density in densities {
                normal += max(0, density.normal - factor * density.random)
                random += max(0, density.random - factor * density.normal)
            }
            return max(normal, random) * step <= delta
        }
        if isCovered(0) { return 0 }
        return MonotoneSearch.boundary(startingAt: 1, tolerance: 1e-10, in: 1e-12...512, isCovered).above
    }
}
