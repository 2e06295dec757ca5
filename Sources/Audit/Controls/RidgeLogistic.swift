import Foundation

/// Logistic regression with a squared penalty on sparse rows, without an intercept, on centred scores.
///
/// Minimises Σ log(1 + exp(−y·w·x)) + λ/2 |w|² by Nesterov's accelerated gradient with the exact step 1/L: convex, no random
/// start, so the same data give the same weights.
struct RidgeLogistic {
    /// One row: (column, value) pairs.
    typealias Row = [(column: Int, value: Double)]

    let weights: [Double]
    private let offset: Double

    init(rows: [Row], labels: [Bool], columns: Int, ridge: Double, iterations: Int = 300) {
        let lipschitz = 0.25 * Self.largestEigenvalue(rows, columns: columns) * 1.05 + ridge
        let momentum = (1 - (ridge / lipschitz).squareRoot()) / (1 + (ridge / lipschitz).squareRoot())
        var weights = [Double](repeating: 0, count: columns)
        var ahead = weights
        for _ in 0..<iterations {
            var gradient = ahead.map { $0 * ridge }
            for (row, label) in zip(rows, labels) {
                let sign: Double = label ? 1 : -1
                let pull = -sign / (1 + exp(sign * Self.dot(row, ahead)))
                for entry in row { gradient[entry.column] += pull * entry.value }
            }
            var change = 0.0
            for column in 0..<columns {
                let next = ahead[column] - gradient[column] / lipschitz
                let step = next - weights[column]
                ahead[column] = next + momentum * step
                weights[column] = next
                change = max(change, abs(step))
            }
            if change < 1e-7 { break }
        }
        self.weights = weights
        offset = rows.isEmpty ? 0 : rows.reduce(0) { $0 + Self.dot($1, weights) } / Double(rows.count)
    }

    /// The score of a row, less the mean over the training rows: comparable between folds.
    func score(_ row: Row) -> Double { Self.dot(row, weights) - offset }

    private static func dot(_ row: Row, _ weights: [Double]) -> Double {
        row.reduce(0) { $0 + $1.value * weights[$1.column] }
    }

    /// The largest eigenvalue of XᵀX by power iteration from a fixed start.
    private static func largestEigenvalue(_ rows: [Row], columns: Int) -> Double {
        var vector = (0..<columns).map { 1 + 0.1 * Double($0 % 7) }
        var eigenvalue = 1.0
        for _ in 0..<40 {
            let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard norm > 0 else { return 1 }
            for column in 0..<columns { vector[column] /= norm }
            var next = [Double](repeating: 0, count: columns)
            for row in rows {
                let projection = dot(row, vector)
                for entry in row { next[entry.column] += projection * entry.value }
            }
            eigenvalue = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
            vector = next
        }
        return eigenvalue
    }
}
