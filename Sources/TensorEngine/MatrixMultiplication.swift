import COpenBLAS

/// A row-major matrix in memory, `stride` floats from row to row, perhaps read transposed.
struct MatrixView {
    var pointer: UnsafePointer<Float>
    var stride: Int
    var isTransposed = false

    init(_ pointer: UnsafePointer<Float>, stride: Int, isTransposed: Bool = false) {
        self.pointer = pointer
        self.stride = stride
        self.isTransposed = isTransposed
    }

    var transposed: MatrixView { MatrixView(pointer, stride: stride, isTransposed: !isTransposed) }

    /// The view whose row 0 is this one's `row` and whose column 0 is this one's `column`.
    func from(row: Int, column: Int) -> MatrixView {
        let offset = isTransposed ? column * stride + row : row * stride + column
        return MatrixView(pointer + offset, stride: stride, isTransposed: isTransposed)
    }
}

/// The seam behind which another way to multiply can be put (bf16 with weights packed once).
protocol MatrixMultiplication: Sendable {
    /// C (m×n, `stride` apart) = alpha · A (m×k) · B (k×n) + beta · C, on the calling thread only.
    func multiply(
        rows m: Int,
        columns n: Int,
        inner k: Int,
        alpha: Float,
        _ a: MatrixView,
        _ b: MatrixView,
        beta: Float,
        into c: UnsafeMutablePointer<Float>,
        stride: Int
    )
}

/// OpenBLAS in float32, one thread: its own threads spin when they wait.
struct OpenBLASMultiplication: MatrixMultiplication {
    init() { openblas_set_num_threads(1) }

    func multiply(
        rows m: Int,
        columns n: Int,
        inner k: Int,
        alpha: Float,
        _ a: MatrixView,
        _ b: MatrixView,
        beta: Float,
        into c: UnsafeMutablePointer<Float>,
        stride: Int
    ) {
        if m == 1, !a.isTransposed {
            // One token: sgemm would pack all of B for a single use.
            let (rows, columns) = b.isTransposed ? (n, k) : (k, n)
            cblas_sgemv(
                CblasRowMajor,
                b.isTransposed ? CblasNoTrans : CblasTrans,
                Int32(rows),
                Int32(columns),
                alpha,
                b.pointer,
                Int32(b.stride),
                a.pointer,
                1,
                beta,
                c,
                1
            )
            return
        }
        cblas_sgemm(
            CblasRowMajor,
            a.isTransposed ? CblasTrans : CblasNoTrans,
            b.isTransposed ? CblasTrans : CblasNoTrans,
            Int32(m),
            Int32(n),
            Int32(k),
            alpha,
            a.pointer,
            Int32(a.stride),
            b.pointer,
            Int32(b.stride),
            beta,
            c,
            Int32(stride)
        )
    }
}

/// Products of matrices, cut into tiles for the workers. The grid of tiles depends on the shape only, so the bits of a
/// result do not depend on the number of threads.
enum Matrices {
    static let multiplication: any MatrixMultiplication = OpenBLASMultiplication()

    /// C = alpha · A · B + beta · C on all workers.
    static func multiply(
        rows m: Int,
        columns n: Int,
        inner k: Int,
        alpha: Float = 1,
        _ a: MatrixView,
        _ b: MatrixView,
        beta: Float = 0,
        into c: UnsafeMutablePointer<Float>,
        stride: Int? = nil
    ) {
        let stride = stride ?? n
        let grid = TileGrid(rows: m, columns: n)
        Workers.run(grid.count) { tile, _ in
            let (rows, columns) = grid[tile]
            multiplication.multiply(
                rows: rows.count,
                columns: columns.count,
                inner: k,
                alpha: alpha,
                a.from(row: rows.lowerBound, column: 0),
                b.from(row: 0, column: columns.lowerBound),
                beta: beta,
                into: c + rows.lowerBound * stride + columns.lowerBound,
                stride: stride
            )
        }
    }
}

/// How a result matrix is cut for the workers: by rows where there are enough, since OpenBLAS packs B again for each
/// tile of rows, else by columns.
struct TileGrid {
    let rowTiles: [Range<Int>]
    let columnTiles: [Range<Int>]

    init(rows: Int, columns: Int) {
        rowTiles = Tiling.ranges(rows, size: rows < 1024 ? 256 : 512)
        let wanted = max(1, (rows < 1024 ? 16 : 4) / max(rowTiles.count, 1))
        columnTiles = Tiling.ranges(columns, size: max(rows < 128 ? 192 : 512, (columns + wanted - 1) / wanted))
    }

    var count: Int { rowTiles.count * columnTiles.count }

    subscript(tile: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        (rowTiles[tile / columnTiles.count], columnTiles[tile % columnTiles.count])
    }
}

/// Cuts of a range that depend on its length only.
enum Tiling {
    /// Even pieces of about `size`, none above it by more than half: a short rest never becomes a piece of its own.
    static func ranges(_ count: Int, size: Int) -> [Range<Int>] {
        guard count > 0 else { return [] }
        let pieces = max(1, (count + size / 2) / size)
        return (0..<pieces).map { (count * $0 / pieces)..<(count * ($0 + 1) / pieces) }
    }

    /// Runs `body` over pieces of `size` of `0..<count` on all workers.
    static func run(_ count: Int, size: Int, _ body: (Range<Int>) -> Void) {
        guard count > 0 else { return }
        let pieces = (count + size - 1) / size
        Workers.run(pieces) { piece, _ in body(piece * size..<min(count, (piece + 1) * size)) }
    }
}
