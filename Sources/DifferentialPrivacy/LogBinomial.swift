import Foundation

/// Binomial coefficients too large for a number.
package enum LogBinomial {
    /// ln C(n, k) for whole 0 ≤ k ≤ n.
    package static func coefficient(_ n: Double, _ k: Double) -> Double {
        logFactorial(n) - logFactorial(k) - logFactorial(n - k)
    }

    private static func logFactorial(_ n: Double) -> Double {
        var sign: Int32 = 0
        return lgamma_r(n + 1, &sign)
    }
}
