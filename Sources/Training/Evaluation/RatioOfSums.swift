/// Σ n / Σ d over records, with the error that comes from having drawn these records and no others: the ratio estimator and
/// its linearised (delta method) error (Cochran, Sampling Techniques, 1977, 6.4).
public struct RatioOfSums: Codable, Sendable, Equatable {
    /// The ratio; NaN when the denominators sum to zero.
    public var value: Double
    /// Standard error of ``value`` over records: they are the independent draws. Zero for one record.
    public var standardError: Double

    /// The ratio of paired numerators and denominators, one pair a record.
    public init(numerators: [Double], denominators: [Double]) {
        precondition(numerators.count == denominators.count, "one denominator a numerator")
        let total = denominators.reduce(0, +)
        let ratio = total == 0 ? Double.nan : numerators.reduce(0, +) / total
        let count = Double(numerators.count)
        let squares = zip(numerators, denominators).reduce(0.0) { sum, pair in
            let residual = pair.0 - ratio * pair.1
            return sum + residual * residual
        }
        value = ratio
        standardError = count < 2 ? 0 : (count / (count - 1) * squares).squareRoot() / abs(total)
    }
}
