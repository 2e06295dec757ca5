import Foundation

/// The tail of the standard normal distribution where `erfc` has long become zero.
package enum NormalTail {
    /// ln P[Z > x], to about 1e-15 relative for every x.
    package static func log(above x: Double) -> Double {
        if x < 25 { return Foundation.log(0.5 * erfc(x / 2.0.squareRoot())) }
        // Laplace's continued fraction of Mills' ratio: P[Z > x] = φ(x) / (x + 1/(x + 2/(x + 3/(x + …)))).
        var denominator = x
        for term in stride(from: 40.0, through: 1, by: -1) { denominator = x + term / denominator }
        return -x * x / 2 - Foundation.log(denominator * (2 * Double.pi).squareRoot())
    }
}
