import Foundation
import TensorEngine

/// A normal distribution whose mean and logarithm of the deviation are both linear in a row's features: the Gaussian head of
/// quantile regression (Bertran et al. 2023), which predicts all quantiles at once.
///
/// Features and values are standardised, and minimises Σ [log σ + (y − μ)²/(2σ²)] + λ/2 (|w|² + |v|²), intercepts left free, by
/// weighted least squares for μ and Fisher scoring for log σ in turn: no random start, the same rows give the same fit.
struct GaussianRegression {
    /// Deviations below this, in the values' unit, are rounding.
    private static let smallestDeviation = 1e-6

    private let centers: [Double]
    private let scales: [Double]
    private let location: [Double]
    private let dispersion: [Double]
    private let valueCenter: Double
    private let valueScale: Double
    /// The fitted log σ of the rows; outside of their range nothing was seen.
    private let seen: ClosedRange<Double>

    /// Fits rows.
    ///
    /// - Parameters:
    ///   - features: `[rows][features]`, at least one row.
    ///   - values: `[rows]`.
    ///   - ridge: λ.
    init(features: [[Double]], values: [Double], ridge: Double = 1) {
        let columns = features[0].indices.map { column in features.map { $0[column] } }
        let moments = columns.map(Self.moments)
        let centers = moments.map(\.mean)
        // A feature that is the same everywhere tells nothing.
        let scales = moments.map { $0.deviation > 1e-12 ? $0.deviation : .infinity }
        let (valueCenter, spread) = Self.moments(values)
        let valueScale = max(spread, Self.smallestDeviation)
        let rows = features.map { Self.standardised($0, centers, scales) }
        let targets = values.map { ($0 - valueCenter) / valueScale }
        var location = [Double](repeating: 0, count: columns.count + 1)
        var dispersion = location
        var best = Double.infinity
        for _ in 0..<100 {
            let weights = rows.map { exp(-2 * Self.dot($0, dispersion)) }
            location = Self.solve(rows, weights: weights, values: zip(targets, weights).map(*), ridge: ridge)
            let residuals = zip(rows, targets).map { $1 - Self.dot($0, location) }
            func loss(_ dispersion: [Double]) -> Double {
                let fit = zip(rows, residuals).reduce(0.0) { sum, row in
                    let logDeviation = Self.dot(row.0, dispersion)
                    return sum + logDeviation + row.1 * row.1 * exp(-2 * logDeviation) / 2
                }
                return fit + ridge / 2 * dispersion.dropFirst().reduce(0) { $0 + $1 * $1 }
            }
            // Fisher scoring: the information about log σ is twice the number of rows, whatever σ.
            let pulls = zip(rows, residuals).map { row, residual in
                residual * residual * exp(-2 * Self.dot(row, dispersion)) - 1 + 2 * Self.dot(row, dispersion)
            }
            let goal = Self.solve(rows, weights: rows.map { _ in 2 }, values: pulls, ridge: ridge)
            let before = loss(dispersion)
            var share = 1.0
            var next = goal
            while share > 1e-3, !(loss(next) <= before) {
                share /= 2
                next = zip(dispersion, goal).map { $0 + share * ($1 - $0) }
            }
            if share > 1e-3 { dispersion = next }
            // Residuals that vanish would let σ fall for ever.
            dispersion[0] = max(dispersion[0], log(Self.smallestDeviation / valueScale))
            let now = loss(dispersion) + ridge / 2 * location.dropFirst().reduce(0) { $0 + $1 * $1 }
            if abs(best - now) < 1e-9 * max(1, abs(now)) { break }
            best = now
        }
        self.centers = centers
        self.scales = scales
        self.valueCenter = valueCenter
        self.valueScale = valueScale
        self.location = location
        self.dispersion = dispersion
        let fitted = rows.map { Self.dot($0, dispersion) }
        seen = (fitted.min() ?? 0)...(fitted.max() ?? 0)
    }

    /// How many predicted deviations a value lies above the predicted mean.
    func standardised(_ value: Double, features: [Double]) -> Double {
        let row = Self.standardised(features, centers, scales)
        let mean = valueCenter + valueScale * Self.dot(row, location)
        let logDeviation = min(max(Self.dot(row, dispersion), seen.lowerBound), seen.upperBound)
        return (value - mean) / max(valueScale * exp(logDeviation), Self.smallestDeviation)
    }

    private static func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / Double(values.count)).squareRoot())
    }

    /// The intercept's one first.
    private static func standardised(_ features: [Double], _ centers: [Double], _ scales: [Double]) -> [Double] {
        [1] + features.indices.map { (features[$0] - centers[$0]) / scales[$0] }
    }

    private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    /// (XᵀWX + λI)⁻¹ Xᵀv, nothing added for the intercept but what keeps the matrix definite.
    private static func solve(_ rows: [[Double]], weights: [Double], values: [Double], ridge: Double) -> [Double] {
        let size = rows[0].count
        var matrix = [Double](repeating: 0, count: size * size)
        var side = [Double](repeating: 0, count: size)
        for (index, row) in rows.enumerated() {
            for a in 0..<size {
                side[a] += row[a] * values[index]
                for b in 0..<size { matrix[a * size + b] += weights[index] * row[a] * row[b] }
            }
        }
        for a in 0..<size { matrix[a * size + a] += a == 0 ? 1e-12 : ridge }
        return LinearAlgebra.solve(symmetric: matrix, size: size, rightSides: side) ?? side.map { _ in 0 }
    }
}
