extension [Float] {
    /// A row-major `[rows, columns]` matrix as `[columns, rows]`.
    func transposed(rows: Int, columns: Int) -> [Float] {
        (0..<columns).flatMap { column in (0..<rows).map { self[$0 * columns + column] } }
    }
}
