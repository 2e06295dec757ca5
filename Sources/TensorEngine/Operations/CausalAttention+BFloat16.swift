import CKernels

extension Tape {
    /// `causalAttention` with products in bfloat16. Scores of a block of 64 query rows against all keys that they may see
    /// exist at once, in float32; the softmax is float32. Saved: inputs in bfloat16 and the log-sum-exp of each row; the
    /// output is not, since do_i · o_i = Σ_j p_ij dp_ij.
    func bfloat16CausalAttention(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        layout: SequenceLayout,
        shape: AttentionShape
    ) -> Tensor {
        let y = output(
            query.shape,
            requiresGradientIf: query.requiresGradient || key.requiresGradient || value.requiresGradient
        )
        let lse = y.requiresGradient ? Tensor(uninitialized: [query.rows, shape.heads]) : nil
        let inputs = BFloat16AttentionInputs(query: query.bfloat16, key: key.bfloat16, value: value.bfloat16)
        let work = BFloat16Attention(shape: shape, layout: layout)
        work.forward(inputs, output: y, lse: lse)
        guard let lse, y.requiresGradient else { return y }
        let slots = (query: query.slot, key: key.slot, value: value.slot)
        let shapes = (query: query.shape, key: key.shape)
        record(y) { dy in
            let dq = Tensor(uninitialized: shapes.query)
            let dk = Tensor.zeros(shapes.key)
            let dv = Tensor.zeros(shapes.key)
            work.backward(inputs, lse: lse, dy: dy.bfloat16, dq: dq, dk: dk, dv: dv)
            slots.query?.add(dq)
            slots.key?.add(dk)
            slots.value?.add(dv)
        }
        return y
    }
}

struct BFloat16AttentionInputs {
    let query: BFloat16Matrix
    let key: BFloat16Matrix
    let value: BFloat16Matrix
}

/// Attention over whole sequences with bfloat16 operands.
struct BFloat16Attention {
    let shape: AttentionShape
    let layout: SequenceLayout

    private var longest: Int { layout.lengths.max() ?? 0 }

    /// Query rows of one sequence under one key head that are worked on without a pause.
    private struct Task {
        let offset: Int
        let keyHead: Int
        /// Sequence-relative blocks of query rows.
        let blocks: [Range<Int>]
        /// Which of the sequence's partial sums of dk and dv it adds to.
        let part: Int

        var keys: Int { blocks.last?.upperBound ?? 0 }
    }

    /// Tasks, longest first. Where sequences and key heads are few, the blocks of one are dealt out over `parts` tasks,
    /// from both ends so that all have the same work.
    private func tasks(parts: Int) -> [Task] {
        zip(layout.offsets, layout.lengths).sorted { $0.1 > $1.1 }.flatMap { offset, length in
            let blocks = stride(from: 0, to: length, by: AttentionShape.block).map {
                $0..<min(length, $0 + AttentionShape.block)
            }
            return (0..<shape.heads / shape.group).flatMap { keyHead in
                (0..<parts).compactMap { part in
                    let mine = blocks.indices.filter { index in
                        let place = index % (2 * parts)
                        return min(place, 2 * parts - 1 - place) == part
                    }
                    let task = Task(offset: offset, keyHead: keyHead, blocks: mine.map { blocks[$0] }, part: part)
                    return mine.isEmpty ? nil : task
                }
            }
        }
    }

    private var parts: Int {
        let whole = layout.lengths.count * (shape.heads / shape.group)
        return whole >= 8 ? 1 : longest > 2 * AttentionShape.block ? 2 : 1
    }

    // MARK: - Forward

    func forward(_ inputs: BFloat16AttentionInputs, output: Tensor, lse: Tensor?) {
        let tasks = tasks(parts: parts)
        let scratch = BFloat16AttentionScratch(shape, keys: longest, isBackward: false)
        Workers.run(tasks.count, limit: scratch.workers) { index, worker in
            let task = tasks[index]
            let memory = scratch[worker]
            let keys = BFloat16HeadPanels(inner: shape.headSize, columns: task.keys, words: memory.keyPanels)
            let values = BFloat16HeadPanels(inner: task.keys, columns: shape.headSize, words: memory.valuePanels)
            keys.packColumns(inputs.key, from: task.offset, column: task.keyHead * shape.headSize)
            values.packRows(inputs.value, from: task.offset, rows: task.keys, column: task.keyHead * shape.headSize)
            for block in task.blocks {
                attend(inputs.query, task.offset, block, task.keyHead, keys, values, output, lse, memory)
            }
        }
    }

    private func attend(
        _ query: BFloat16Matrix,
        _ offset: Int,
        _ block: Range<Int>,
        _ keyHead: Int,
        _ keys: BFloat16HeadPanels,
        _ values: BFloat16HeadPanels,
        _ output: Tensor,
        _ lse: Tensor?,
        _ memory: BFloat16AttentionScratch.Part
    ) {
        let (rows, visible, stride) = (block.count, block.upperBound, padded(block.upperBound))
        let first = offset + block.lowerBound
        for member in 0..<shape.group {
            let head = keyHead * shape.group + member
            keys.multiply(
                query.operand(row: first, column: head * shape.headSize),
                rows: rows,
                columns: visible,
                alpha: shape.scale,
                into: memory.scores,
                stride: stride
            )
            fsot_bf16_causal_softmax(
                memory.scores,
                rows,
                visible,
                stride,
                block.lowerBound,
                UnsafeMutableRawPointer(memory.probabilities).assumingMemoryBound(to: UInt16.self),
                stride,
                memory.inverses,
                lse.map { $0.pointer + first * shape.heads + head },
                shape.heads
            )
            values.multiply(
                (UnsafePointer(memory.probabilities), stride / 2),
                rows: rows,
                inner: visible,
                rowScale: memory.inverses,
                into: output.pointer + first * shape.queryStride + head * shape.headSize,
                stride: shape.queryStride
            )
        }
    }

    private func padded(_ count: Int) -> Int { (count + 15) / 16 * 16 }

    // MARK: - Backward

    func backward(
        _ inputs: BFloat16AttentionInputs,
        lse: Tensor,
        dy: BFloat16Matrix,
        dq: Tensor,
        dk: Tensor,
        dv: Tensor
    ) {
        let parts = parts
        let tasks = tasks(parts: parts)
        let scratch = BFloat16AttentionScratch(shape, keys: longest, isBackward: true)
        let partial = (1..<parts).map { _ in (dk: Tensor.zeros(dk.shape), dv: Tensor.zeros(dv.shape)) }
        Workers.run(tasks.count, limit: scratch.workers) { index, worker in
            let task = tasks[index]
            let memory = scratch[worker]
            let d = shape.headSize
            let column = task.keyHead * d
            let keys = BFloat16HeadPanels(inner: d, columns: task.keys, words: memory.keyPanels)
            let values = BFloat16HeadPanels(inner: d, columns: task.keys, words: memory.valuePanels)
            let keyRows = BFloat16HeadPanels(inner: task.keys, columns: d, words: memory.keyRowPanels)
            keys.packColumns(inputs.key, from: task.offset, column: column)
            values.packColumns(inputs.value, from: task.offset, column: column)
            keyRows.packRows(inputs.key, from: task.offset, rows: task.keys, column: column)
            let target = task.part == 0 ? (dk: dk, dv: dv) : partial[task.part - 1]
            let start = task.offset * shape.keyStride + column
            for block in task.blocks {
                let first = task.offset + block.lowerBound
                let queries = BFloat16HeadPanels(inner: block.count, columns: d, words: memory.queryPanels)
                let gradients = BFloat16HeadPanels(inner: block.count, columns: d, words: memory.gradientPanels)
                for member in 0..<shape.group {
                    let head = task.keyHead * shape.group + member
                    queries.packRows(inputs.query, from: first, rows: block.count, column: head * d)
                    gradients.packRows(dy, from: first, rows: block.count, column: head * d)
                    differentiate(
                        block,
                        query: inputs.query.operand(row: first, column: head * d),
                        dy: dy.operand(row: first, column: head * d),
                        lse: lse.pointer + first * shape.heads + head,
                        panels: (keys, values, keyRows, queries, gradients),
                        dq: dq.pointer + first * shape.queryStride + head * d,
                        dk: target.dk.pointer + start,
                        dv: target.dv.pointer + start,
                        memory
                    )
                }
            }
        }
        for sums in partial {
            Elementwise.add(sums.dk, into: dk)
            Elementwise.add(sums.dv, into: dv)
        }
    }

    private typealias Panels = (
        keys: BFloat16HeadPanels, values: BFloat16HeadPanels, keyRows: BFloat16HeadPanels, queries: BFloat16HeadPanels,
        gradients: BFloat16HeadPanels
    )

    private func differentiate(
        _ block: Range<Int>,
        query: (UnsafePointer<UInt32>, Int),
        dy: (UnsafePointer<UInt32>, Int),
        lse: UnsafePointer<Float>,
        panels: Panels,
        dq: UnsafeMutablePointer<Float>,
        dk: UnsafeMutablePointer<Float>,
        dv: UnsafeMutablePointer<Float>,
        _ memory: BFloat16AttentionScratch.Part
    ) {
        let (rows, visible, stride) = (block.count, block.upperBound, padded(block.upperBound))
        panels.keys.multiply(
            query,
            rows: rows,
            columns: visible,
            alpha: shape.scale,
            into: memory.scores,
            stride: stride
        )
        panels.values.multiply(dy, rows: rows, columns: visible, into: memory.scoreGradients, stride: stride)
        fsot_bf16_score_gradients(
            memory.scores,
            memory.scoreGradients,
            rows,
            visible,
            stride,
            block.lowerBound,
            lse,
            shape.heads,
            memory.probabilityPairs,
            UnsafeMutableRawPointer(memory.probabilities).assumingMemoryBound(to: UInt16.self),
            memory.scorePairs
        )
        panels.gradients.multiply(
            pairs: memory.probabilityPairs,
            pairStep: stride,
            rows: visible,
            into: dv,
            stride: shape.keyStride
        )
        panels.queries.multiply(
            pairs: memory.scorePairs,
            pairStep: stride,
            rows: visible,
            alpha: shape.scale,
            into: dk,
            stride: shape.keyStride
        )
        panels.keyRows.multiply(
            (UnsafePointer(memory.probabilities), stride / 2),
            rows: rows,
            inner: visible,
            alpha: shape.scale,
            into: dq,
            stride: shape.queryStride
        )
    }
}
