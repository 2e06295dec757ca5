import CKernels

extension Tape {
    /// Causal softmax attention with grouped queries: for each sequence and query head h, with key/value head
    /// h / (heads / keyValueHeads): o_i = Σ_{j≤i} p_ij v_j, p_i = softmax_j(q_i · k_j / √d).
    ///
    /// `query` is `[rows, heads · d]`, `key` and `value` `[rows, keyValueHeads · d]`; the result is like `query`. Works in
    /// blocks of 64 query rows against the keys they may see; the query heads that share a key head are stacked into one
    /// product. Saved: inputs, output and the log-sum-exp of each row; p is computed again (as in arXiv 2205.14135).
    ///
    /// Backward: dv_j += Σ p_ij do_i; dp_ij = do_i · v_j; ds = p ∘ (dp − do_i · o_i); dq_i += Σ ds_ij k_j / √d;
    /// dk_j += Σ ds_ij q_i / √d; with `precision` bfloat16 all six products take rounded operands and the inputs are saved
    /// rounded. What belongs to an input that requires no gradient is left out.
    public func causalAttention(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        layout: SequenceLayout,
        heads: Int,
        keyValueHeads: Int,
        precision: ComputePrecision = .float32
    ) -> Tensor {
        let shape = AttentionShape(query: query, key: key, value: value, heads: heads, keyValueHeads: keyValueHeads)
        precondition(layout.rows == query.rows, "a layout of \(layout.rows) rows does not fit \(query.rows) rows.")
        if precision == .bfloat16, shape.headSize % 2 == 0 {
            return bfloat16CausalAttention(query: query, key: key, value: value, layout: layout, shape: shape)
        }
        let y = output(
            query.shape,
            requiresGradientIf: query.requiresGradient || key.requiresGradient || value.requiresGradient
        )
        let lse = y.requiresGradient ? Tensor(uninitialized: [query.rows, heads]) : nil
        let tasks = AttentionTask.list(layout, keyHeads: keyValueHeads)
        let scratch = AttentionScratch(shape, keys: layout.lengths.max() ?? 0, matrices: 1)
        Workers.run(tasks.count, limit: scratch.workers) { index, worker in
            let task = tasks[index]
            for rows in task.blocks {
                shape.attend(
                    queries: query.pointer + rows.lowerBound * shape.queryStride,
                    rows: rows.count,
                    keys: key.pointer + task.offset * shape.keyStride,
                    values: value.pointer + task.offset * shape.keyStride,
                    first: rows.lowerBound - task.offset,
                    keyHead: task.keyHead,
                    output: y.pointer + rows.lowerBound * shape.queryStride,
                    lse: lse.map { $0.pointer + rows.lowerBound * heads },
                    scratch: scratch[worker]
                )
            }
        }
        guard let lse, y.requiresGradient else { return y }
        let saved = (query: query.saved, key: key.saved, value: value.saved, output: y.withoutGradient, lse: lse)
        let slots = (query: query.slot, key: key.slot, value: value.slot)
        record(y) { dy in
            let gradients = AttentionGradients(
                query: slots.query.map { Tensor(uninitialized: $0.shape) },
                key: slots.key.map { Tensor.zeros($0.shape) },
                value: slots.value.map { Tensor.zeros($0.shape) }
            )
            let inputs = AttentionInputs(
                query: saved.query.value,
                key: saved.key.value,
                value: saved.value.value,
                output: saved.output,
                lse: saved.lse,
                gradient: dy
            )
            let scratch = AttentionScratch(shape, keys: layout.lengths.max() ?? 0, matrices: 2)
            Workers.run(tasks.count, limit: scratch.workers) { index, worker in
                for rows in tasks[index].blocks {
                    shape.differentiate(inputs, tasks[index], rows: rows, into: gradients, scratch: scratch[worker])
                }
            }
            if let dq = gradients.query { slots.query?.add(dq) }
            if let dk = gradients.key { slots.key?.add(dk) }
            if let dv = gradients.value { slots.value?.add(dv) }
        }
        return y
    }
}

/// What a worker does without a pause: all blocks of one sequence and one key head, since they add to the same dk and dv.
private struct AttentionTask {
    let offset: Int
    let keyHead: Int
    let blocks: [Range<Int>]

    static func list(_ layout: SequenceLayout, keyHeads: Int) -> [AttentionTask] {
        zip(layout.offsets, layout.lengths).sorted { $0.1 > $1.1 }.flatMap { offset, length in
            let blocks = stride(from: 0, to: length, by: AttentionShape.block).map {
                offset + $0..<offset + min(length, $0 + AttentionShape.block)
            }
            return (0..<keyHeads).map { AttentionTask(offset: offset, keyHead: $0, blocks: blocks) }
        }
    }
}

private struct AttentionInputs {
    let query: Tensor
    let key: Tensor
    let value: Tensor
    let output: Tensor
    let lse: Tensor
    let gradient: Tensor
}

private struct AttentionGradients {
    let query: Tensor?
    let key: Tensor?
    let value: Tensor?
}

extension AttentionShape {
    /// Adds the gradients that one block of query rows contributes.
    fileprivate func differentiate(
        _ inputs: AttentionInputs,
        _ task: AttentionTask,
        rows: Range<Int>,
        into gradients: AttentionGradients,
        scratch: AttentionScratch.Part
    ) {
        let stacked = group * rows.count
        let first = rows.lowerBound - task.offset
        let n = first + rows.count
        let keyStart = task.offset * keyStride + task.keyHead * headSize
        let keys = MatrixView(inputs.key.pointer + keyStart, stride: keyStride)
        let values = MatrixView(inputs.value.pointer + keyStart, stride: keyStride)
        let (q, dO) = (scratch.queries, scratch.outputs)
        let (p, dS) = (scratch.scores, scratch.scoreGradients)
        let multiplication = Matrices.multiplication
        stack(inputs.query.pointer, rows: rows, keyHead: task.keyHead, scale: scale, into: q)
        stack(inputs.gradient.pointer, rows: rows, keyHead: task.keyHead, scale: 1, into: dO)
        for member in 0..<group {
            let head = task.keyHead * group + member
            for (i, row) in rows.enumerated() {
                let at = member * rows.count + i
                scratch.rowValues[at] = inputs.lse.pointer[row * heads + head]
                scratch.deltas[at] = fsot_dot(
                    dO + at * headSize,
                    inputs.output.pointer + row * queryStride + head * headSize,
                    headSize
                )
            }
        }
        multiplication.multiply(
            rows: stacked,
            columns: n,
            inner: headSize,
            alpha: 1,
            MatrixView(q, stride: headSize),
            keys.transposed,
            beta: 0,
            into: p,
            stride: n
        )
        fsot_causal_probabilities(p, stacked, n, n, first, rows.count, scratch.rowValues)
        if let dv = gradients.value {
            multiplication.multiply(
                rows: n,
                columns: headSize,
                inner: stacked,
                alpha: 1,
                MatrixView(p, stride: n, isTransposed: true),
                MatrixView(dO, stride: headSize),
                beta: 1,
                into: dv.pointer + keyStart,
                stride: keyStride
            )
        }
        guard gradients.query != nil || gradients.key != nil else { return }
        multiplication.multiply(
            rows: stacked,
            columns: n,
            inner: headSize,
            alpha: 1,
            MatrixView(dO, stride: headSize),
            values.transposed,
            beta: 0,
            into: dS,
            stride: n
        )
        fsot_score_gradient(dS, p, scratch.deltas, stacked, n, n)
        if let dk = gradients.key {
            multiplication.multiply(
                rows: n,
                columns: headSize,
                inner: stacked,
                alpha: 1,
                MatrixView(dS, stride: n, isTransposed: true),
                MatrixView(q, stride: headSize),
                beta: 1,
                into: dk.pointer + keyStart,
                stride: keyStride
            )
        }
        if let dq = gradients.query {
            multiplication.multiply(
                rows: stacked,
                columns: headSize,
                inner: n,
                alpha: scale,
                MatrixView(dS, stride: n),
                keys,
                beta: 0,
                into: dO,
                stride: headSize
            )
            unstack(dO, rows: rows, keyHead: task.keyHead, into: dq.pointer)
        }
    }
}
