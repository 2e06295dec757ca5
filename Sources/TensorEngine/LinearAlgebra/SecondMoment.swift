/// Σ w_t x_t y_tᵀ over rows, gathered in float64 from float32 products of a few hundred rows.
public final class SecondMoment {
    /// Width of x.
    public let rows: Int
    /// Width of y.
    public let columns: Int
    /// The sum, `[rows, columns]`, row-major.
    public private(set) var values: [Double]

    /// An empty sum.
    public init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        values = [Double](repeating: 0, count: rows * columns)
    }

    /// Adds Σ w_t x_t y_tᵀ.
    ///
    /// - Parameters:
    ///   - x: `[tokens, rows]`.
    ///   - y: `[tokens, columns]`.
    ///   - weights: w of each token; rows of weight 0 are not looked at.
    public func add(_ x: Tensor, _ y: Tensor, weights: [Float]) {
        precondition(
            x.columns == rows && y.columns == columns && x.rows == weights.count && y.rows == weights.count,
            "\(x.shape) and \(y.shape) with \(weights.count) weights do not fit \(rows) × \(columns)."
        )
        let wanted = weights.indices.filter { weights[$0] != 0 }
        for range in Tiling.ranges(wanted.count, size: 512) {
            let tokens = wanted[range]
            let left = Tensor(uninitialized: [tokens.count, rows])
            let right = Tensor(uninitialized: [tokens.count, columns])
            for (i, token) in tokens.enumerated() {
                let source = x.pointer + token * rows
                let target = left.pointer + i * rows
                for j in 0..<rows { target[j] = weights[token] * source[j] }
                (right.pointer + i * columns).update(from: y.pointer + token * columns, count: columns)
            }
            let product = Tensor(uninitialized: [rows, columns])
            Matrices.multiply(
                rows: rows,
                columns: columns,
                inner: tokens.count,
                left.view.transposed,
                right.view,
                into: product.pointer
            )
            values.withUnsafeMutableBufferPointer { sums in
                guard let sums = sums.baseAddress else { return }
                Tiling.run(rows * columns, size: 65536) { part in
                    for i in part { sums[i] += Double(product.pointer[i]) }
                }
            }
        }
    }
}
