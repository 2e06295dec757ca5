import CKernels

/// Products of bfloat16 operands, cut into tiles for the workers by shape only. Every number of the result is one sum in a
/// fixed order, so its bits depend on neither tiles nor threads.
enum BFloat16Products {
    /// C (+)= alpha · A · B for `rows` of A's rows.
    static func multiply(
        _ a: BFloat16Operand,
        _ b: BFloat16Panels,
        alpha: Float = 1,
        into c: UnsafeMutablePointer<Float>,
        stride: Int? = nil,
        accumulates: Bool
    ) {
        precondition(a.pairs == b.pairs, "operands of \(a.pairs) and \(b.pairs) pairs have no common inner dimension.")
        // The workers read through bare pointers: whose memory that is must outlive them.
        defer { withExtendedLifetime((a.owner, b)) {} }
        let stride = stride ?? b.columns
        let grid = Grid(rows: a.rows, columns: b.columns)
        let panels = UnsafePointer(b.words)
        Workers.run(grid.count) { tile, _ in
            let (rows, columns) = grid[tile]
            fsot_bf16_gemm(
                rows.count,
                columns.count,
                a.pairs,
                a.words + rows.lowerBound * a.rowStep,
                a.rowStep,
                a.pairStep,
                panels + columns.lowerBound * b.pairs,
                b.columns - columns.lowerBound,
                b.panelStep,
                c + rows.lowerBound * stride + columns.lowerBound,
                stride,
                alpha,
                nil,
                accumulates ? 1 : 0
            )
        }
    }

    /// Tiles of 64 rows, whole steps of the kernel's 8, and where those are few, of several panels. Small enough that no
    /// worker waits long for the last one, large enough that a weight is not loaded too often.
    private struct Grid {
        private static let rows = 64
        let rowTiles: [Range<Int>]
        let panelTiles: [Range<Int>]
        let columns: Int

        init(rows: Int, columns: Int) {
            self.columns = columns
            rowTiles = stride(from: 0, to: rows, by: Self.rows).map { $0..<min(rows, $0 + Self.rows) }
            let panels = (columns + BFloat16Panels.width - 1) / BFloat16Panels.width
            let wanted = max(1, 8 / max(rowTiles.count, 1))
            panelTiles = Tiling.ranges(panels, size: max(1, panels / wanted))
        }

        var count: Int { rowTiles.count * panelTiles.count }

        subscript(tile: Int) -> (rows: Range<Int>, columns: Range<Int>) {
            let panels = panelTiles[tile % panelTiles.count]
            let columns =
                panels.lowerBound * BFloat16Panels.width..<min(columns, panels.upperBound * BFloat16Panels.width)
            return (rowTiles[tile / panelTiles.count], columns)
        }
    }
}
