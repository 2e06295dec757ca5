import CKernels

/// The right operand of a product, rounded to bfloat16 and packed for it: panels of 48 columns, each `[inner / 2][48]` words
/// of two neighbours along the inner dimension (`CKernels/bf16.h`).
final class BFloat16Panels {
    /// Which dimension of the packed matrix is summed over.
    enum Inner {
        /// Its columns: x Wᵀ with W `[out, in]`.
        case columns
        /// Its rows: dy W, or the right factor of dyᵀ x.
        case rows
    }

    static let width = 48

    let inner: Int
    let columns: Int
    let pairs: Int
    private let buffer: Buffer

    /// Packs a matrix. `isLongLived`: of fresh memory, for weights.
    init(_ matrix: Tensor, inner dimension: Inner, isLongLived: Bool = false) {
        let (rows, width) = (matrix.rows, matrix.columns)
        inner = dimension == .columns ? width : rows
        columns = dimension == .columns ? rows : width
        pairs = (inner + 1) / 2
        let padded = (columns + 15) / 16 * 16
        buffer = Buffer(count: max(1, pairs * padded), isLongLived: isLongLived)
        let source = BFloat16Source(matrix)
        defer { withExtendedLifetime(matrix) {} }
        let count = (columns + Self.width - 1) / Self.width
        Workers.run(count) { index, _ in
            let first = index * Self.width
            let taken = min(Self.width, columns - first)
            let panel = words + first * pairs
            switch dimension {
            case .columns:
                let start = source.at(row: first, column: 0)
                fsot_bf16_panel_of_columns(start, source.isHalf, taken, width, source.stride, panel)
            case .rows:
                let start = source.at(row: 0, column: first)
                fsot_bf16_panel_of_rows(start, source.isHalf, rows, taken, source.stride, panel)
            }
        }
    }

    var words: UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(buffer.pointer).assumingMemoryBound(to: UInt32.self)
    }

    /// Words from panel to panel.
    var panelStep: Int { Self.width * pairs }

    /// Column `column` as float32, `inner` numbers.
    func copyColumn(_ column: Int, to target: UnsafeMutablePointer<Float>) {
        let first = column / Self.width * Self.width
        let width = min(Self.width, (columns - first + 15) / 16 * 16)
        var source = UnsafePointer(words) + first * pairs + (column - first)
        for pair in 0..<pairs {
            let word = source.pointee
            target[2 * pair] = Float(bitPattern: word << 16)
            if 2 * pair + 1 < inner { target[2 * pair + 1] = Float(bitPattern: word & 0xffff_0000) }
            source += width
        }
    }
}
