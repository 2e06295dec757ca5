import CKernels

extension BFloat16Matrix {
    /// The left operand that starts at an element (of an even column), and its words from row to row.
    func operand(row: Int, column: Int) -> (UnsafePointer<UInt32>, Int) {
        (UnsafePointer(words) + row * wordsPerRow + column / 2, wordsPerRow)
    }
}

/// Panels of one head's keys, values or queries, in memory that the caller owns.
struct BFloat16HeadPanels {
    let inner: Int
    let columns: Int
    let words: UnsafeMutablePointer<UInt32>

    private var pairs: Int { (inner + 1) / 2 }
    private static let width = BFloat16Panels.width

    /// The words that panels of this size need.
    static func size(inner: Int, columns: Int) -> Int { (inner + 1) / 2 * ((columns + 15) / 16 * 16) }

    /// Columns of the right operand = `columns` rows of `matrix` from `row` on; summed over `inner` of their columns.
    func packColumns(_ matrix: BFloat16Matrix, from row: Int, column: Int) {
        let stride = matrix.wordsPerRow * 2
        for first in Swift.stride(from: 0, to: columns, by: Self.width) {
            fsot_bf16_panel_of_columns(
                matrix.numbers + (row + first) * stride + column,
                1,
                min(Self.width, columns - first),
                inner,
                stride,
                words + first * pairs
            )
        }
    }

    /// Columns of the right operand = columns of `matrix`; summed over `rows` rows from `row` on.
    func packRows(_ matrix: BFloat16Matrix, from row: Int, rows: Int, column: Int) {
        let stride = matrix.wordsPerRow * 2
        for first in Swift.stride(from: 0, to: columns, by: Self.width) {
            fsot_bf16_panel_of_rows(
                matrix.numbers + row * stride + column + first,
                1,
                rows,
                min(Self.width, columns - first),
                stride,
                words + first * pairs
            )
        }
    }

    /// C = alpha · A · B for the first `visible` columns, or over the first `visible` of the inner dimension.
    func multiply(
        _ a: (words: UnsafePointer<UInt32>, rowStep: Int),
        rows: Int,
        columns visible: Int? = nil,
        inner seen: Int? = nil,
        alpha: Float = 1,
        rowScale: UnsafePointer<Float>? = nil,
        into c: UnsafeMutablePointer<Float>,
        stride: Int
    ) {
        fsot_bf16_gemm(
            rows,
            visible ?? columns,
            seen.map { ($0 + 1) / 2 } ?? pairs,
            a.words,
            a.rowStep,
            1,
            words,
            columns,
            Self.width * pairs,
            c,
            stride,
            alpha,
            rowScale,
            0
        )
    }

    /// C += alpha · A · B with A in pairs of its rows.
    func multiply(
        pairs a: UnsafePointer<UInt32>,
        pairStep: Int,
        rows: Int,
        alpha: Float = 1,
        into c: UnsafeMutablePointer<Float>,
        stride: Int
    ) {
        fsot_bf16_gemm(
            rows,
            columns,
            pairs,
            a,
            1,
            pairStep,
            words,
            columns,
            Self.width * pairs,
            c,
            stride,
            alpha,
            nil,
            1
        )
    }
}

/// Memory for the blocks in work, one part for each worker.
struct BFloat16AttentionScratch {
    struct Part {
        let keyPanels: UnsafeMutablePointer<UInt32>
        let valuePanels: UnsafeMutablePointer<UInt32>
        let scores: UnsafeMutablePointer<Float>
        /// One matrix of half the size of `scores`: exponentials forward, score gradients backward.
        let probabilities: UnsafeMutablePointer<UInt32>
        let inverses: UnsafeMutablePointer<Float>
        // Backward only.
        let keyRowPanels: UnsafeMutablePointer<UInt32>
        let queryPanels: UnsafeMutablePointer<UInt32>
        let gradientPanels: UnsafeMutablePointer<UInt32>
        let scoreGradients: UnsafeMutablePointer<Float>
        let probabilityPairs: UnsafeMutablePointer<UInt32>
        let scorePairs: UnsafeMutablePointer<UInt32>
    }

    let workers: Int
    private let memory: Tensor
    private let sizes: [Int]

    init(_ shape: AttentionShape, keys: Int, isBackward: Bool) {
        let (block, d) = (AttentionShape.block, shape.headSize)
        let scores = block * ((keys + 15) / 16 * 16)
        let columns = BFloat16HeadPanels.size(inner: d, columns: (keys + 47) / 48 * 48)
        let rows = BFloat16HeadPanels.size(inner: keys, columns: d)
        var sizes = [columns, max(columns, rows), scores, scores / 2, block]
        if isBackward {
            let blockPanels = BFloat16HeadPanels.size(inner: block, columns: d)
            sizes += [rows, blockPanels, blockPanels, scores, scores / 2, scores / 2]
        }
        self.sizes = sizes.map { ($0 + 15) / 16 * 16 }
        workers = max(1, Threads.count)
        memory = Tensor(uninitialized: [workers, self.sizes.reduce(0, +)])
    }

    subscript(worker: Int) -> Part {
        var next = memory.pointer + worker * memory.columns
        let pointers = sizes.map { size in
            defer { next += size }
            return next
        }
        func words(_ index: Int) -> UnsafeMutablePointer<UInt32> {
            UnsafeMutableRawPointer(pointers[index < pointers.count ? index : 0]).assumingMemoryBound(to: UInt32.self)
        }
        return Part(
            keyPanels: words(0),
            valuePanels: words(1),
            scores: pointers[2],
            probabilities: words(3),
            inverses: pointers[4],
            keyRowPanels: words(5),
            queryPanels: words(6),
            gradientPanels: words(7),
            scoreGradients: pointers[pointers.count > 8 ? 8 : 2],
            probabilityPairs: words(9),
            scorePairs: words(10)
        )
    }
}
