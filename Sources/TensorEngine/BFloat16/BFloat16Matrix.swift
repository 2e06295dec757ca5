import CKernels

/// A matrix rounded to bfloat16 with its inner dimension along the rows: the left operand of a product, and half the memory
/// of what a backward pass keeps.
final class BFloat16Matrix {
    let rows: Int
    let columns: Int
    /// 32-bit words from row to row, each a pair of neighbours; an odd column is followed by a zero.
    let wordsPerRow: Int
    private let buffer: Buffer

    init(uninitialized rows: Int, _ columns: Int) {
        self.rows = rows
        self.columns = columns
        wordsPerRow = (columns + 1) / 2
        buffer = Buffer(count: max(1, rows * wordsPerRow), isLongLived: false)
    }

    convenience init(_ x: Tensor) {
        self.init(uninitialized: x.rows, x.columns)
        let (source, n) = (x.pointer, x.columns)
        Tiling.run(rows, size: 64) { range in
            fsot_bf16_rows(
                source + range.lowerBound * n,
                range.count,
                n,
                n,
                1,
                numbers + range.lowerBound * wordsPerRow * 2,
                wordsPerRow * 2
            )
        }
    }

    var words: UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(buffer.pointer).assumingMemoryBound(to: UInt32.self)
    }
    var numbers: UnsafeMutablePointer<UInt16> {
        UnsafeMutableRawPointer(buffer.pointer).assumingMemoryBound(to: UInt16.self)
    }

    /// The left operand of a product over columns.
    var operand: BFloat16Operand {
        BFloat16Operand(
            owner: self,
            words: words,
            rows: rows,
            pairs: wordsPerRow,
            rowStep: wordsPerRow,
            pairStep: 1
        )
    }

    /// The numbers as float32, on the calling thread.
    func copyFloats(to target: UnsafeMutablePointer<Float>) {
        for row in 0..<rows {
            fsot_bf16_floats(numbers + row * wordsPerRow * 2, target + row * columns, columns)
        }
    }
}

/// The same with the inner dimension down the columns: word (i, j) holds x[2i][j] and x[2i + 1][j]. The left operand of
/// products that sum over tokens.
final class BFloat16Pairs {
    let pairs: Int
    let columns: Int
    private let buffer: Buffer

    init(_ x: Tensor) {
        pairs = (x.rows + 1) / 2
        columns = x.columns
        buffer = Buffer(count: max(1, pairs * columns), isLongLived: false)
        let (source, n, rows) = (BFloat16Source(x), x.columns, x.rows)
        Tiling.run(pairs, size: 32) { range in
            let first = range.lowerBound * 2
            fsot_bf16_pairs(
                source.at(row: first, column: 0),
                source.isHalf,
                min(rows, range.upperBound * 2) - first,
                n,
                source.stride,
                words + range.lowerBound * n,
                n
            )
        }
    }

    private var words: UnsafeMutablePointer<UInt32> {
        UnsafeMutableRawPointer(buffer.pointer).assumingMemoryBound(to: UInt32.self)
    }

    /// The left operand of a product over rows: its rows are this matrix's columns.
    var operand: BFloat16Operand {
        BFloat16Operand(owner: self, words: words, rows: columns, pairs: pairs, rowStep: 1, pairStep: columns)
    }
}

/// Where the left operand of a product lies, in words of two neighbours along the inner dimension.
struct BFloat16Operand {
    /// Whose memory it is.
    let owner: AnyObject
    var words: UnsafePointer<UInt32>
    let rows: Int
    let pairs: Int
    let rowStep: Int
    /// 1 with any `rowStep`, or any with a `rowStep` of 1.
    let pairStep: Int
}

/// Where packing reads a tensor: its float32 values, or the bfloat16 ones where there are no others.
struct BFloat16Source {
    let isHalf: Int32
    /// Numbers from row to row.
    let stride: Int
    private let base: UnsafeRawPointer
    private let tensor: Tensor

    init(_ tensor: Tensor) {
        self.tensor = tensor
        if !tensor.hasFloat32, let half = tensor.copies.rows {
            (isHalf, stride, base) = (1, half.wordsPerRow * 2, UnsafeRawPointer(half.numbers))
        } else {
            (isHalf, stride, base) = (0, tensor.columns, UnsafeRawPointer(tensor.pointer))
        }
    }

    func at(row: Int, column: Int) -> UnsafeRawPointer {
        base + (row * stride + column) * (isHalf == 1 ? 2 : 4)
    }
}
