import CKernels

extension Tape {
    /// y = x Wᵀ + bias + s · (x Aᵀ) Bᵀ, where W is `[out, in]`, or `[in, out]` by `layout`, and the last term is the
    /// optional low-rank branch (A `[rank, in]`, B `[out, rank]`). x is `[rows, in]`, the result `[rows, out]`.
    ///
    /// Backward, with h = x Aᵀ and dh = s · dy B, each only if needed:
    /// dx += dy W + dh A; dW += dyᵀ x; dbias += Σ_rows dy; dA += dhᵀ x; dB += s · dyᵀ h.
    /// x is saved only for dW and dA, so a frozen layer saves nothing.
    public func linear(
        _ x: Tensor,
        weight: Parameter,
        bias: Parameter? = nil,
        layout: WeightLayout = .outputByInput,
        lowRank: LowRankBranch? = nil
    ) -> Tensor {
        let shape = LinearShape(x: x, weight: weight, bias: bias, layout: layout, lowRank: lowRank)
        if weight.usesBFloat16 {
            return bfloat16Linear(x, weight: weight, bias: bias, layout: layout, lowRank: lowRank, shape: shape)
        }
        let trains = weight.isTrainable || (bias?.isTrainable ?? false) || (lowRank?.isTrainable ?? false)
        let y = output([shape.rows, shape.output], requiresGradientIf: x.requiresGradient || trains)
        if let bias { Tiling.fillRows(of: y, with: bias.value) }
        shape.addProduct(x, weight, into: y, beta: bias == nil ? 0 : 1)
        let h = lowRank.map { branch in
            let h = Tensor(uninitialized: [shape.rows, branch.rank])
            Matrices.multiply(
                rows: shape.rows,
                columns: branch.rank,
                inner: shape.input,
                x.view,
                branch.a.value.view.transposed,
                into: h.pointer
            )
            Matrices.multiply(
                rows: shape.rows,
                columns: shape.output,
                inner: branch.rank,
                alpha: branch.scale,
                h.view,
                branch.b.value.view.transposed,
                beta: 1,
                into: y.pointer
            )
            return h
        }
        guard y.requiresGradient else { return y }
        let slot = x.slot
        let examples = announce(weight, bias, lowRank, rows: shape.rows)
        let input = weight.isTrainable || (lowRank?.a.isTrainable ?? false) ? x.saved : nil
        record(y) { dy in
            if let bias, bias.isTrainable { ColumnSums.add(dy, to: bias, of: examples) }
            if weight.isTrainable, let input { shape.addWeightGradient(dy, input.value, to: weight, of: examples) }
            let dx = slot?.destination()
            if let dx {
                shape.addInputGradient(dy, weight, into: dx.tensor, beta: dx.accumulates ? 1 : 0)
            }
            guard let lowRank, let h else { return }
            shape.addLowRankGradients(dy, lowRank, h: h, x: input, dx: dx?.tensor, of: examples)
        }
        return y
    }

    /// Says which gradients a linear layer will report.
    func announce(
        _ weight: Parameter,
        _ bias: Parameter?,
        _ lowRank: LowRankBranch?,
        rows: Int
    ) -> PerExampleGradients? {
        for parameter in [weight, bias, lowRank?.a, lowRank?.b] { examples?.announce(parameter, rows: rows) }
        return examples
    }
}

/// The sizes of one linear layer's call, and its products.
struct LinearShape {
    let rows: Int
    let input: Int
    let output: Int
    let layout: WeightLayout

    init(x: Tensor, weight: Parameter, bias: Parameter?, layout: WeightLayout, lowRank: LowRankBranch?) {
        rows = x.rows
        input = x.columns
        self.layout = layout
        output = layout == .outputByInput ? weight.value.rows : weight.value.columns
        let wanted = layout == .outputByInput ? weight.value.columns : weight.value.rows
        precondition(wanted == x.columns, "\(weight.name) \(weight.value.shape) does not fit rows of \(x.columns).")
        precondition(bias.map { $0.value.count == output } ?? true, "the bias of \(weight.name) has the wrong length.")
        if let lowRank {
            precondition(
                lowRank.a.value.columns == input && lowRank.b.value.rows == output,
                "\(lowRank.a.name) \(lowRank.a.value.shape) and \(lowRank.b.name) \(lowRank.b.value.shape) do not fit \(weight.name)."
            )
        }
    }

    /// The weight as an [in, out] operand.
    private func operand(_ weight: Parameter) -> MatrixView {
        layout == .outputByInput ? weight.value.view.transposed : weight.value.view
    }

    func addProduct(_ x: Tensor, _ weight: Parameter, into y: Tensor, beta: Float) {
        Matrices.multiply(
            rows: rows,
            columns: output,
            inner: input,
            x.view,
            operand(weight),
            beta: beta,
            into: y.pointer
        )
    }

    func addInputGradient(_ dy: Tensor, _ weight: Parameter, into dx: Tensor, beta: Float) {
        Matrices.multiply(
            rows: rows,
            columns: input,
            inner: output,
            dy.view,
            operand(weight).transposed,
            beta: beta,
            into: dx.pointer
        )
    }

    func addWeightGradient(_ dy: Tensor, _ x: Tensor, to weight: Parameter, of examples: PerExampleGradients?) {
        if let examples {
            examples.add(weight, input: .single(x), gradient: .single(dy), layout: layout)
            return
        }
        let dw = weight.gradientBuffer()
        switch layout {
        case .outputByInput:
            Matrices.multiply(
                rows: output,
                columns: input,
                inner: rows,
                dy.view.transposed,
                x.view,
                beta: 1,
                into: dw.pointer
            )
        case .inputByOutput:
            Matrices.multiply(
                rows: input,
                columns: output,
                inner: rows,
                x.view.transposed,
                dy.view,
                beta: 1,
                into: dw.pointer
            )
        }
    }

    func addLowRankGradients(
        _ dy: Tensor,
        _ branch: LowRankBranch,
        h: Tensor,
        x: SavedTensor?,
        dx: Tensor?,
        of examples: PerExampleGradients?
    ) {
        let rank = branch.rank
        if branch.b.isTrainable, let examples {
            examples.add(branch.b, input: .single(h), gradient: .single(dy), factor: branch.scale)
        } else if branch.b.isTrainable {
            Matrices.multiply(
                rows: output,
                columns: rank,
                inner: rows,
                alpha: branch.scale,
                dy.view.transposed,
                h.view,
                beta: 1,
                into: branch.b.gradientBuffer().pointer
            )
        }
        guard branch.a.isTrainable || dx != nil else { return }
        let dh = Tensor(uninitialized: [rows, rank])
        Matrices.multiply(
            rows: rows,
            columns: rank,
            inner: output,
            alpha: branch.scale,
            dy.view,
            branch.b.value.view,
            into: dh.pointer
        )
        if branch.a.isTrainable, let x, let examples {
            examples.add(branch.a, input: .single(x.value), gradient: .single(dh))
        } else if branch.a.isTrainable, let x {
            Matrices.multiply(
                rows: rank,
                columns: input,
                inner: rows,
                dh.view.transposed,
                x.value.view,
                beta: 1,
                into: branch.a.gradientBuffer().pointer
            )
        }
        if let dx {
            Matrices.multiply(
                rows: rows,
                columns: input,
                inner: rank,
                dh.view,
                branch.a.value.view,
                beta: 1,
                into: dx.pointer
            )
        }
    }
}

extension Tensor {
    /// This tensor as a matrix operand.
    var view: MatrixView { MatrixView(pointer, stride: columns) }
}

extension Tiling {
    /// Every row of `y` becomes a copy of `row`.
    static func fillRows(of y: Tensor, with row: Tensor) {
        let n = y.columns
        run(y.rows, size: 256) { range in
            for r in range { (y.pointer + r * n).update(from: row.pointer, count: n) }
        }
    }
}

/// Sums over rows in float64: the gradients of biases and norm weights.
enum ColumnSums {
    /// Adds to the gradient of `parameter`, of `columns` numbers, what `addTile(partial, rows)` gathers over tiles of 128 rows;
    /// tiles are summed in order. With `examples`, gathers over each example's rows for it alone.
    static func add(
        rows: Int,
        columns: Int,
        to parameter: Parameter,
        of examples: PerExampleGradients?,
        addTile: (UnsafeMutablePointer<Double>, Range<Int>) -> Void
    ) {
        if let examples {
            examples.add(parameter, columns: columns, addRows: addTile)
            return
        }
        let target = parameter.gradientBuffer()
        let tiles = Tiling.ranges(rows, size: 128)
        guard !tiles.isEmpty else { return }
        withUnsafeTemporaryAllocation(of: Double.self, capacity: tiles.count * columns) { partial in
            guard let base = partial.baseAddress else { return }
            base.initialize(repeating: 0, count: partial.count)
            Workers.run(tiles.count) { tile, _ in addTile(base + tile * columns, tiles[tile]) }
            for column in 0..<columns {
                var sum = 0.0
                for tile in 0..<tiles.count { sum += base[tile * columns + column] }
                target.pointer[column] += Float(sum)
            }
        }
    }

    /// gradient[j] += Σ_i x[i][j].
    static func add(_ x: Tensor, to parameter: Parameter, of examples: PerExampleGradients?) {
        let (n, values) = (x.columns, x.pointer)
        add(rows: x.rows, columns: n, to: parameter, of: examples) { partial, range in
            fsot_add_columns(partial, values + range.lowerBound * n, range.count, n)
        }
    }
}
