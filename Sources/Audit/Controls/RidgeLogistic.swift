import Foundation

/// Logistic regression with a squared penalty on sparse rows, without an intercept, on centred scores.
///
/// Minimises Σ c_y log(1 + exp(−y·w·x)) + λ/2 |w|² by Nesterov's accelerated gradient with the exact step 1/L: convex, no random
/// start, so the same data give the same weights. The weights c give both classes the same sum: without an intercept, the
/// larger class would otherwise pull every common word to its side and drown what tells the classes apart.
struct RidgeLogistic {
    let weights: [Double]
    private let offset: Double

    init(rows: SparseRows, labels: [Bool], ridge: Double, iterations: Int = 300) {
        let members = labels.count { $0 }
        func weight(_ count: Int) -> Double { count == 0 ? 0 : Double(labels.count) / Double(2 * count) }
        let classWeights = (member: weight(members), heldOut: weight(labels.count - members))
        let largest = max(classWeights.member, classWeights.heldOut)
        let lipschitz = 0.25 * largest * rows.largestEigenvalue * 1.05 + ridge
        let root = (ridge / lipschitz).squareRoot()
        let momentum = (1 - root) / (1 + root)
        var weights = [Double](repeating: 0, count: rows.columns)
        var ahead = weights
        var pulls = [Double](repeating: 0, count: rows.count)
        for _ in 0..<iterations {
            rows.multiply(ahead, into: &pulls)
            for row in pulls.indices {
                let sign: Double = labels[row] ? 1 : -1
                let weight = labels[row] ? classWeights.member : classWeights.heldOut
                pulls[row] = -weight * sign / (1 + exp(sign * pulls[row]))
            }
            var gradient = [Double](repeating: 0, count: rows.columns)
            rows.addTransposed(pulls, to: &gradient)
            var change = 0.0
            for column in gradient.indices {
                let next = ahead[column] - (gradient[column] + ridge * ahead[column]) / lipschitz
                let step = next - weights[column]
                ahead[column] = next + momentum * step
                weights[column] = next
                change = max(change, abs(step))
            }
            if change < 1e-5 { break }
        }
        rows.multiply(weights, into: &pulls)
        self.weights = weights
        offset = pulls.isEmpty ? 0 : pulls.reduce(0, +) / Double(pulls.count)
    }

    /// The scores of rows, less the mean over the training rows: comparable between folds.
    func scores(of rows: SparseRows) -> [Double] {
        var scores = [Double](repeating: 0, count: rows.count)
        rows.multiply(weights, into: &scores)
        return scores.map { $0 - offset }
    }
}

/// A matrix of mostly zeros, row after row.
struct SparseRows {
    let columns: Int
    private var starts = [0]
    private var positions: [Int] = []
    private var values: [Double] = []

    init(columns: Int) { self.columns = columns }

    var count: Int { starts.count - 1 }

    mutating func append(_ entries: some Sequence<(column: Int, value: Double)>) {
        for entry in entries {
            positions.append(entry.column)
            values.append(entry.value)
        }
        starts.append(positions.count)
    }

    /// `[columns]` → `[rows]`.
    func multiply(_ vector: [Double], into result: inout [Double]) {
        for row in 0..<count {
            var sum = 0.0
            for entry in starts[row]..<starts[row + 1] { sum += values[entry] * vector[positions[entry]] }
            result[row] = sum
        }
    }

    /// `[rows]` → `[columns]`, added.
    func addTransposed(_ vector: [Double], to result: inout [Double]) {
        for row in 0..<count {
            let factor = vector[row]
            for entry in starts[row]..<starts[row + 1] { result[positions[entry]] += factor * values[entry] }
        }
    }

    /// The largest eigenvalue of XᵀX by power iteration from a fixed start.
    var largestEigenvalue: Double {
        var vector = (0..<columns).map { 1 + 0.1 * Double($0 % 7) }
        var images = [Double](repeating: 0, count: count)
        var eigenvalue = 1.0
        for _ in 0..<30 {
            let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard norm > 0 else { return 1 }
            multiply(vector.map { $0 / norm }, into: &images)
            vector = [Double](repeating: 0, count: columns)
            addTransposed(images, to: &vector)
            eigenvalue = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        }
        return eigenvalue
    }
}
