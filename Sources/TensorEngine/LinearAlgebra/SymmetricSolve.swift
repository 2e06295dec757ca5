import COpenBLAS

/// Systems of equations and factorisations in float64, through LAPACK on one thread. Matrices are row-major.
public enum LinearAlgebra {
    /// Solves x A = b for each row of `rightSides`, A symmetric positive definite.
    ///
    /// - Parameters:
    ///   - matrix: A, `[size, size]`; only one triangle is read.
    ///   - rightSides: `[count, size]`.
    /// - Returns: the solutions, `[count, size]`; nil when A is not positive definite.
    public static func solve(symmetric matrix: [Double], size: Int, rightSides: [Double]) -> [Double]? {
        precondition(matrix.count == size * size, "a matrix of \(matrix.count) numbers is not \(size) × \(size).")
        precondition(rightSides.count % max(size, 1) == 0, "\(rightSides.count) numbers are not rows of \(size).")
        guard size > 0, !rightSides.isEmpty else { return rightSides }
        var matrix = matrix
        var solutions = rightSides
        var n = Int32(size)
        var count = Int32(rightSides.count / size)
        var information: Int32 = 0
        dposv_("U", &n, &count, &matrix, &n, &solutions, &n, &information)
        return information == 0 ? solutions : nil
    }

    /// L with A = L Lᵀ.
    ///
    /// - Returns: L, `[size, size]`, zeros above the diagonal; nil when A is not positive definite.
    public static func cholesky(_ matrix: [Double], size: Int) -> [Double]? {
        precondition(matrix.count == size * size, "a matrix of \(matrix.count) numbers is not \(size) × \(size).")
        var factor = matrix
        var n = Int32(size)
        var information: Int32 = 0
        // LAPACK's upper triangle, column by column, is the lower one row by row.
        dpotrf_("U", &n, &factor, &n, &information)
        guard information == 0 else { return nil }
        for row in 0..<size {
            for column in (row + 1)..<max(size, row + 1) { factor[row * size + column] = 0 }
        }
        return factor
    }
}

extension LinearAlgebra {
    /// A B, `[rows, inner]` times `[inner, columns]`.
    public static func product(_ a: [Double], _ b: [Double], rows: Int, inner: Int, columns: Int) -> [Double] {
        precondition(
            a.count == rows * inner && b.count == inner * columns,
            "\(a.count) and \(b.count) numbers do not fit."
        )
        var result = [Double](repeating: 0, count: rows * columns)
        cblas_dgemm(
            CblasRowMajor,
            CblasNoTrans,
            CblasNoTrans,
            Int32(rows),
            Int32(columns),
            Int32(inner),
            1,
            a,
            Int32(inner),
            b,
            Int32(columns),
            0,
            &result,
            Int32(columns)
        )
        return result
    }
}
