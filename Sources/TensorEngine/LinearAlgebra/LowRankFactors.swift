import COpenBLAS

/// A matrix as a product of two thin ones.
public struct LowRankFactors: Sendable {
    /// The rank.
    public let rank: Int
    /// `[out, rank]`.
    public let expand: [Float]
    /// `[rank, in]`.
    public let reduce: [Float]

    /// The best approximation of a weight by two factors.
    ///
    /// Without `moment`: the truncated singular value decomposition, least in ‖W − E R‖. With it, C = Σ x xᵀ over what
    /// the layer takes: least in Σ‖(W − E R) x‖², from the decomposition of W L with C = L Lᵀ (SVD-LLM, arXiv 2403.07378).
    ///
    /// - Parameters:
    ///   - weight: W, `[rows, columns]`, row-major.
    ///   - rank: 1 ... min(rows, columns).
    ///   - moment: C, `[columns, columns]`; a multiple of the identity is added, so it need not have full rank.
    /// - Returns: nil when LAPACK does not converge.
    public init?(of weight: [Float], rows: Int, columns: Int, rank: Int, moment: [Double]? = nil) {
        precondition(weight.count == rows * columns, "\(weight.count) numbers are not \(rows) × \(columns).")
        precondition((1...min(rows, columns)).contains(rank), "no rank \(rank) for \(rows) × \(columns).")
        var scaled = weight.map(Double.init)
        var factor: [Double]?
        if var moment {
            let trace = (0..<columns).reduce(0.0) { $0 + moment[$1 * columns + $1] }
            let ridge = max(trace / Double(columns) * 1e-4, 1e-30)
            for i in 0..<columns { moment[i * columns + i] += ridge }
            guard let lower = LinearAlgebra.cholesky(moment, size: columns) else { return nil }
            cblas_dtrmm(
                CblasRowMajor,
                CblasRight,
                CblasLower,
                CblasNoTrans,
                CblasNonUnit,
                Int32(rows),
                Int32(columns),
                1,
                lower,
                Int32(columns),
                &scaled,
                Int32(columns)
            )
            factor = lower
        }
        guard let (left, values, right) = LinearAlgebra.singularValues(scaled, rows: rows, columns: columns) else {
            return nil
        }
        let inner = min(rows, columns)
        var reduce = Array(right[0..<rank * columns])
        for i in 0..<rank {
            let root = values[i].squareRoot()
            for j in 0..<columns { reduce[i * columns + j] *= root }
        }
        if let factor {
            cblas_dtrsm(
                CblasRowMajor,
                CblasRight,
                CblasLower,
                CblasNoTrans,
                CblasNonUnit,
                Int32(rank),
                Int32(columns),
                1,
                factor,
                Int32(columns),
                &reduce,
                Int32(columns)
            )
        }
        self.rank = rank
        self.reduce = reduce.map(Float.init)
        expand = (0..<rows).flatMap { row in
            (0..<rank).map { Float(left[row * inner + $0] * values[$0].squareRoot()) }
        }
    }
}

extension LinearAlgebra {
    /// The thin singular value decomposition A = U diag(s) Vᵀ: U `[rows, k]`, s descending, Vᵀ `[k, columns]`, k the
    /// smaller extent; nil when LAPACK does not converge.
    public static func singularValues(
        _ matrix: [Double],
        rows: Int,
        columns: Int
    ) -> (left: [Double], values: [Double], right: [Double])? {
        // Row by row A is Aᵀ column by column, so LAPACK's left vectors are our right ones.
        var a = matrix
        var (m, n) = (Int32(columns), Int32(rows))
        let k = min(rows, columns)
        var inner = Int32(k)
        var values = [Double](repeating: 0, count: k)
        var right = [Double](repeating: 0, count: k * columns)
        var left = [Double](repeating: 0, count: rows * k)
        var integers = [Int32](repeating: 0, count: 8 * k)
        var information: Int32 = 0
        var size = 0.0
        var query: Int32 = -1
        dgesdd_("S", &m, &n, &a, &m, &values, &right, &m, &left, &inner, &size, &query, &integers, &information)
        guard information == 0 else { return nil }
        var length = Int32(size)
        var work = [Double](repeating: 0, count: Int(length))
        dgesdd_("S", &m, &n, &a, &m, &values, &right, &m, &left, &inner, &work, &length, &integers, &information)
        return information == 0 ? (left, values, right) : nil
    }
}
