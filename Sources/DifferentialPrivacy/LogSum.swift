import Foundation

/// ln Σ exp(xᵢ), one term after the other, without overflow.
struct LogSum {
    private var largest = -Double.infinity
    private var scaled = 0.0

    /// Adds exp(`logarithm`) to the sum; −∞ adds nothing.
    mutating func add(_ logarithm: Double) {
        if logarithm == -.infinity { return }
        if logarithm <= largest {
            scaled += exp(logarithm - largest)
        } else {
            scaled = scaled * exp(largest - logarithm) + 1
            largest = logarithm
        }
    }

    /// The logarithm of the sum so far; −∞ for none.
    var value: Double { largest + log(scaled) }

    /// ln(1 + the sum so far), with all its digits where the sum is small.
    var valueOfOneMore: Double { value > 0 ? value + log1p(exp(-value)) : log1p(exp(value)) }
}
