import CKernels

/// The gradients of one matrix: of example i, factor · Σ_{t ∈ i} gradient_tᵀ input_t.
struct ExampleProduct {
    /// The parameter's place.
    let target: Int
    /// X, `[rows, in]`.
    let input: ExampleOperand
    /// D, `[rows, out]`.
    let gradient: ExampleOperand
    let layout: WeightLayout
    let factor: Float

    private var left: ExampleOperand { layout == .outputByInput ? gradient : input }
    private var right: ExampleOperand { layout == .outputByInput ? input : gradient }

    /// Whether the norm of an example of `rows` rows comes cheaper from X Xᵀ and D Dᵀ than from the gradient itself:
    /// 2T² < in · out (arXiv 2205.10683).
    func prefersRowProducts(_ rows: Int) -> Bool { 2 * rows * rows < input.columns * gradient.columns }

    // MARK: - The norm from the gradient itself

    private static let tile = 128

    /// Floats of scratch memory of `squareOfGradient` for an example of `rows` rows.
    func scratchSize(rows: Int) -> Int {
        switch (left, right) {
        case (.half(let l), .half(let r)):
            PackedExamples.words(pairs: (rows + 1) / 2, l.columns, r.columns) + PackedExamples.rowTile * r.columns
        default: Self.tile * right.columns
        }
    }

    /// ‖Σ_rows Dᵀ X‖², on the calling thread, of a few rows of the gradient at a time.
    func squareOfGradient(_ rows: Range<Int>, scratch: UnsafeMutablePointer<Float>) -> Double {
        var square = 0.0
        switch (left, right) {
        case (.single(let l), .single(let r)):
            for part in Tiling.ranges(l.columns, size: Self.tile) {
                Matrices.multiplication.multiply(
                    rows: part.count,
                    columns: r.columns,
                    inner: rows.count,
                    alpha: 1,
                    l.view.from(row: rows.lowerBound, column: part.lowerBound).transposed,
                    r.view.from(row: rows.lowerBound, column: 0),
                    beta: 0,
                    into: scratch,
                    stride: r.columns
                )
                square += fsot_sum_of_squares(scratch, part.count * r.columns)
            }
        case (.half(let l), .half(let r)):
            let packed = PackedExamples(l, r, examples: [rows], memory: scratch)
            packed.pack(0)
            let made = scratch + PackedExamples.words(pairs: packed.pairs, l.columns, r.columns)
            for part in packed.rowTiles {
                for panel in 0..<packed.panels {
                    packed.multiply(0, rows: part, panel: panel, factor: 1, into: made, accumulates: false)
                }
                square += fsot_sum_of_squares(made, part.count * r.columns)
            }
        default: preconditionFailure("a product of operands of two precisions")
        }
        return square
    }

    // MARK: - The weighted sum

    /// sum += factor · Σ_i weights[i] · Σ_{t ∈ i} D_tᵀ X_t.
    func add(_ weights: [Float], layout examples: SequenceLayout, into sum: Tensor) {
        switch (left, right) {
        case (.single(let l), .single(let r)):
            let isLeft = l.columns <= r.columns
            let scaled = (isLeft ? l : r).withScaledRows(weights.map { $0 * factor }, layout: examples)
            Matrices.multiply(
                rows: l.columns,
                columns: r.columns,
                inner: l.rows,
                (isLeft ? scaled : l).view.transposed,
                (isLeft ? r : scaled).view,
                beta: 1,
                into: sum.mutablePointer
            )
        case (.half(let l), .half(let r)):
            // Rows that are scaled before the product would be rounded once more, and the norm would be that of others. So
            // each example has a product of its own, added up while a tile of the sum is in the cache.
            let rows = examples.lengths.indices.map { examples.rows(of: $0) }
            let pairs = PackedExamples.pairs(of: rows)
            let memory = Tensor(uninitialized: [PackedExamples.words(pairs: pairs, l.columns, r.columns)])
            let packed = PackedExamples(l, r, examples: rows, memory: memory.pointer)
            Workers.run(rows.count) { example, _ in packed.pack(example) }
            let (tiles, target) = (packed.rowTiles, sum.mutablePointer)
            Workers.run(tiles.count * packed.panels) { tile, _ in
                let part = tiles[tile / packed.panels]
                for (example, weight) in weights.enumerated() {
                    packed.multiply(
                        example,
                        rows: part,
                        panel: tile % packed.panels,
                        factor: weight * factor,
                        into: target + part.lowerBound * r.columns,
                        accumulates: true
                    )
                }
            }
            withExtendedLifetime(memory) {}
        default: preconditionFailure("a product of operands of two precisions")
        }
    }
}

extension Tensor {
    /// A copy in which the rows of sequence i are multiplied by `factors[i]`.
    fileprivate func withScaledRows(_ factors: [Float], layout: SequenceLayout) -> Tensor {
        let scaled = Tensor(uninitialized: shape)
        let (from, to, n) = (pointer, scaled.pointer, columns)
        Workers.run(factors.count) { sequence, _ in
            let start = layout.offsets[sequence] * n
            fsot_scale(to + start, from + start, factors[sequence], layout.lengths[sequence] * n)
        }
        return scaled
    }
}
