import Foundation

/// Rényi divergence of one Gaussian mechanism on a subset of fixed size, replace-one: the bound of Wang, Balle &
/// Kasiviswanathan 2019 ("Subsampled Rényi Differential Privacy and Analytical Moments Accountant"), Theorem 9, and Theorem 27
/// with its ternary divergences for the Gaussian mechanism.
struct FixedSizeRenyiDivergence {
    /// Cohort / population, in (0, 1].
    let rate: Double
    /// σ in units of the sensitivity under replace-one.
    let noise: Double
    /// ln of the k-th ternary divergence for even k, at k/2.
    private let ternary: [Double]

    /// Beyond this order the plain bound is used, whose terms cost nothing.
    private static let largestTernaryOrder = 256

    /// The bound for a rate and a noise multiplier.
    init(rate: Double, noise: Double) {
        self.rate = rate
        self.noise = noise
        ternary = stride(from: 0, through: Self.largestTernaryOrder, by: 2).map {
            $0 == 0 ? 0 : Self.logTernaryDivergence(Double($0), noise: noise)
        }
    }

    /// The divergence of an order above 1, per round; between whole orders by convexity (their Corollary 10).
    func callAsFunction(order: Double) -> Double {
        let below = order.rounded(.down)
        let share = order - below
        let lower = moment(Int(below))
        let upper = share > 0 ? moment(Int(below) + 1) : 0
        // Without amplification it is the Gaussian mechanism itself, which no bound needs to exceed.
        return min(((1 - share) * lower + share * upper) / (order - 1), order / (2 * noise * noise))
    }

    /// The bound on (α−1) times the divergence for a whole order.
    private func moment(_ order: Int) -> Double {
        if order < 2 { return 0 }
        let inverse = 1 / (2 * noise * noise)
        let usesTernary = order <= Self.largestTernaryOrder
        var sum = LogSum()
        for j in 2...order {
            let term = Double(j)
            // 2 e^((j−1)ε(j)) with ε(j) = j/2σ².
            let plain = log(2) + (term - 1) * term * inverse
            let bound: Double
            if j == 2 {
                bound = min(plain, log(4) + 2 * inverse + log(-expm1(-2 * inverse)))
            } else if usesTernary {
                bound = min(plain, log(4) + (ternary[j / 2] + ternary[(j + 1) / 2]) / 2)
            } else {
                bound = plain
            }
            sum.add(term * log(rate) + LogBinomial.coefficient(Double(order), term) + bound)
        }
        return sum.valueOfOneMore
    }

    /// ln E|e^((2x−1)/2σ²) − 1|^k over x ~ N(0, σ²), for an even k.
    ///
    /// Their forward differences are this moment written out; as an integral of something positive it loses no digits.
    private static func logTernaryDivergence(_ order: Double, noise: Double) -> Double {
        let variance = noise * noise
        // The integrand's terms are up to this many e-folds larger than its integral.
        let cancellation = order * log(2 + 2 * noise)
        let windows = GaussianWindows(
            from: 0,
            to: order,
            reach: (2 * (45 + cancellation)).squareRoot() * noise,
            step: noise * (2 / (45 + cancellation)).squareRoot() * Double.pi
        )
        return windows.logIntegral { x in
            let exponent = (2 * x - 1) / (2 * variance)
            let distance = abs(exponent)
            let logDifference = max(0, exponent) + log(-expm1(-distance))
            return order * logDifference - x * x / (2 * variance)
        } - log(noise * (2 * Double.pi).squareRoot())
    }
}
