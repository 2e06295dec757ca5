import Foundation
import TensorEngine

/// Draws from a symmetric Dirichlet distribution by normalised gamma variates.
package enum DirichletSampler {
    /// `parts` proportions that sum to 1, from Dir(alpha, …, alpha).
    ///
    /// Small alpha drives single gamma variates below the smallest double, so the draw stays in logarithms until the
    /// largest is known.
    package static func proportions(alpha: Double, parts: Int, using generator: inout SeededGenerator) -> [Double] {
        let logarithms = (0..<parts).map { _ in logGamma(shape: alpha, using: &generator) }
        let largest = logarithms.max() ?? 0
        let weights = logarithms.map { exp($0 - largest) }
        let sum = weights.reduce(0, +)
        return weights.map { $0 / sum }
    }

    /// The logarithm of a Gamma(shape, 1) variate: Marsaglia and Tsang (ACM TOMS 26, 2000), with their boost
    /// G(a) = G(a + 1) · U^(1/a) for shapes below 1.
    static func logGamma(shape: Double, using generator: inout SeededGenerator) -> Double {
        if shape < 1 {
            // 1 − U lies in (0, 1]: its logarithm is finite.
            let boost = log(1 - generator.uniform()) / shape
            return logGamma(shape: shape + 1, using: &generator) + boost
        }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = generator.normal()
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            let u = 1 - generator.uniform()
            if log(u) < 0.5 * x * x + d - d * v + d * log(v) { return log(d) + log(v) }
        }
    }
}
