import CKernels

/// The sizes of one attention call, and the forward pass of one block of query rows.
struct AttentionShape {
    /// Query rows that are worked on together.
    static let block = 64

    let heads: Int
    let headSize: Int
    /// Query heads that share a key head.
    let group: Int
    let queryStride: Int
    let keyStride: Int
    let scale: Float

    init(query: Tensor, key: Tensor, value: Tensor, heads: Int, keyValueHeads: Int) {
        self.heads = heads
        headSize = query.columns / heads
        group = heads / keyValueHeads
        queryStride = query.columns
        keyStride = key.columns
        scale = 1 / Float(headSize).squareRoot()
        precondition(
            headSize * heads == queryStride && group * keyValueHeads == heads && keyStride == headSize * keyValueHeads
                && value.columns == keyStride && key.rows == value.rows && key.rows == query.rows,
            "query \(query.shape), key \(key.shape) and value \(value.shape) are not \(heads) and \(keyValueHeads) heads."
        )
    }

    /// Attention of `rows` consecutive queries, the first of which may see `first + 1` keys, with the query heads of
    /// `keyHead`. `queries` and `output` point at the first query's row, `keys` and `values` at the sequence's first row.
    func attend(
        queries: UnsafePointer<Float>,
        rows: Int,
        keys: UnsafePointer<Float>,
        values: UnsafePointer<Float>,
        first: Int,
        keyHead: Int,
        output: UnsafeMutablePointer<Float>,
        lse: UnsafeMutablePointer<Float>?,
        scratch: AttentionScratch.Part
    ) {
        let stacked = group * rows
        let n = first + rows
        stack(queries, rows: 0..<rows, keyHead: keyHead, scale: scale, into: scratch.queries)
        Matrices.multiplication.multiply(
            rows: stacked,
            columns: n,
            inner: headSize,
            alpha: 1,
            MatrixView(scratch.queries, stride: headSize),
            MatrixView(keys + keyHead * headSize, stride: keyStride, isTransposed: true),
            beta: 0,
            into: scratch.scores,
            stride: n
        )
        fsot_causal_softmax(scratch.scores, stacked, n, n, first, rows, scratch.rowValues)
        Matrices.multiplication.multiply(
            rows: stacked,
            columns: headSize,
            inner: n,
            alpha: 1,
            MatrixView(scratch.scores, stride: n),
            MatrixView(values + keyHead * headSize, stride: keyStride),
            beta: 0,
            into: scratch.outputs,
            stride: headSize
        )
        unstack(scratch.outputs, rows: 0..<rows, keyHead: keyHead, into: output)
        guard let lse else { return }
        for member in 0..<group {
            for row in 0..<rows {
                lse[row * heads + keyHead * group + member] = scratch.rowValues[member * rows + row]
            }
        }
    }

    /// Copies the heads of one group, scaled, to consecutive matrices of `rows.count` rows.
    func stack(
        _ source: UnsafePointer<Float>,
        rows: Range<Int>,
        keyHead: Int,
        scale: Float,
        into target: UnsafeMutablePointer<Float>
    ) {
        for member in 0..<group {
            let column = (keyHead * group + member) * headSize
            for (i, row) in rows.enumerated() {
                fsot_scale(
                    target + (member * rows.count + i) * headSize,
                    source + row * queryStride + column,
                    scale,
                    headSize
                )
            }
        }
    }

    /// The way back.
    func unstack(
        _ source: UnsafePointer<Float>,
        rows: Range<Int>,
        keyHead: Int,
        into target: UnsafeMutablePointer<Float>
    ) {
        for member in 0..<group {
            let column = (keyHead * group + member) * headSize
            for (i, row) in rows.enumerated() {
                (target + row * queryStride + column).update(
                    from: source + (member * rows.count + i) * headSize,
                    count: headSize
                )
            }
        }
    }
}

/// Memory for the blocks in work, one part for each worker.
struct AttentionScratch {
    struct Part {
        let queries: UnsafeMutablePointer<Float>
        let outputs: UnsafeMutablePointer<Float>
        let rowValues: UnsafeMutablePointer<Float>
        let deltas: UnsafeMutablePointer<Float>
        let scores: UnsafeMutablePointer<Float>
        /// Only with two matrices.
        let scoreGradients: UnsafeMutablePointer<Float>
    }

    /// How many workers have a part.
    let workers: Int
    private let memory: Tensor
    private let stacked: Int
    private let headSize: Int
    private let matrix: Int
    private let partSize: Int

    /// For blocks that see at most `keys` keys; `matrices` of scores: 1 forward, 2 backward.
    init(_ shape: AttentionShape, keys: Int, matrices: Int) {
        stacked = shape.group * AttentionShape.block
        headSize = shape.headSize
        matrix = (stacked * keys + 15) / 16 * 16
        partSize = 2 * stacked * headSize + 2 * stacked + matrices * matrix
        workers = max(1, Threads.count)
        memory = Tensor(uninitialized: [workers, partSize])
    }

    subscript(worker: Int) -> Part {
        let base = memory.pointer + worker * partSize
        let rows = base + 2 * stacked * headSize
        return Part(
            queries: base,
            outputs: base + stacked * headSize,
            rowValues: rows,
            deltas: rows + stacked,
            scores: rows + 2 * stacked,
            scoreGradients: rows + 2 * stacked + matrix
        )
    }
}
