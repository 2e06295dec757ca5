import Foundation

/// Where an integrand between two bells of one width is not negligible, cut into equal steps.
///
/// For little noise the bells lie far apart, and what is between them, below e^−40 of the whole, costs no time.
struct GaussianWindows {
    private let ranges: [ClosedRange<Double>]
    private let step: Double

    /// Windows around two centres.
    ///
    /// - Parameters:
    ///   - first: centre of the left bell.
    ///   - second: centre of the right bell, not less than `first`.
    ///   - reach: half the width of each window.
    ///   - step: distance of two points.
    init(from first: Double, to second: Double, reach: Double, step: Double) {
        ranges =
            first + reach >= second - reach
            ? [(first - reach)...(second + reach)]
            : [(first - reach)...(first + reach), (second - reach)...(second + reach)]
        self.step = step
    }

    /// ln ∫ exp(f(x)) dx by the trapezoidal rule; the ends of the windows count as nothing.
    func logIntegral(of logarithm: (Double) -> Double) -> Double {
        var sum = LogSum()
        for range in ranges {
            let count = ((range.upperBound - range.lowerBound) / step).rounded(.up)
            for index in stride(from: 0, through: count, by: 1) {
                sum.add(logarithm(range.lowerBound + index * step))
            }
        }
        return sum.value + log(step)
    }
}
