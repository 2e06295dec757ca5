import CKernels
import Glibc

extension Tape {
    /// The output head and its loss in one: Σ over rows with a label of −log softmax(h Wᵀ)[label], divided by `divisor`
    /// (nil: the number of such rows). A scalar `[1]`; 0 when no row has a label. On a tape with ``Tape/examples`` each row is
    /// divided by its example's divisor instead.
    ///
    /// `hidden` is `[rows, dim]`, `head` `[vocabulary, dim]`; label −100 means none. Only labelled rows are looked at, in
    /// chunks, so the logits never exist as a whole. The gradient is taken while a chunk's logits are there:
    /// dz = (softmax(z) − onehot) / divisor, dh = dz W, dW = dzᵀ h; backward multiplies by the incoming gradient.
    /// The vocabulary is cut into groups for the workers; sums over groups are added in order.
    public func linearCrossEntropy(
        _ hidden: Tensor,
        head: Parameter,
        labels: [Int32],
        divisor: Float? = nil
    ) -> Tensor {
        let dim = hidden.columns
        let vocabulary = head.value.rows
        precondition(
            labels.count == hidden.rows && head.value.columns == dim,
            "\(labels.count) labels and the head \(head.value.shape) do not fit \(hidden.shape)."
        )
        let loss = output([1], requiresGradientIf: hidden.requiresGradient || head.isTrainable)
        let labelled = labels.indices.filter { labels[$0] != -100 }
        for row in labelled {
            precondition(
                labels[row] >= 0 && Int(labels[row]) < vocabulary,
                "label \(labels[row]) lies outside the vocabulary of \(vocabulary)."
            )
        }
        examples?.refuse(head)
        let divisors = LossDivisors(labelled: labelled, of: labels.count, divisor: divisor, examples: examples)
        if head.usesBFloat16, !head.isTrainable {
            return bfloat16LinearCrossEntropy(
                hidden,
                head: head,
                labels: labels,
                labelled: labelled,
                divisors: divisors
            )
        }
        let needs = (hidden: hidden.requiresGradient && isRecording, head: head.isTrainable && isRecording)
        let dHidden = needs.hidden ? Tensor.zeros(hidden.shape) : nil
        let dHead = needs.head ? Tensor.zeros(head.value.shape) : nil
        var total = 0.0
        let chunks = Tiling.ranges(labelled.count, size: CrossEntropyChunk.rows(vocabulary: vocabulary))
        let largest = chunks.map(\.count).max() ?? 0
        let work = CrossEntropyChunk(head: head.value, capacity: largest, needsHidden: needs.hidden)
        for chunk in chunks {
            let rows = labelled[chunk]
            total += work.lossAndGradients(
                hidden,
                rows: rows,
                labels: rows.map { Int(labels[$0]) },
                divisors: divisors[chunk],
                dHidden: dHidden,
                dHead: dHead
            )
        }
        loss.pointer[0] = Float(total / Double(divisors.common))
        let slot = hidden.slot
        record(loss) { gradient in
            let upstream = gradient.pointer[0]
            if let dHead { Elementwise.axpy(upstream, dHead, into: head.gradientBuffer()) }
            guard let dHidden, let slot else { return }
            if upstream != 1 { Elementwise.scale(dHidden, by: upstream) }
            slot.add(dHidden)
        }
        return loss
    }
}

/// What the losses of labelled rows are divided by: all by one number, or each by its example's.
struct LossDivisors {
    /// What their sum is divided by in the end; 1 with examples.
    let common: Float
    /// The whole divisor of each row.
    let rows: [Float]

    init(labelled: [Int], of count: Int, divisor: Float?, examples: PerExampleGradients?) {
        if let examples {
            common = 1
            rows = examples.divisors(ofRows: labelled, among: count)
        } else {
            common = divisor ?? Float(max(1, labelled.count))
            rows = [Float](repeating: common, count: labelled.count)
        }
    }

    private init(common: Float, rows: [Float]) {
        self.common = common
        self.rows = rows
    }

    subscript(chunk: Range<Int>) -> LossDivisors { LossDivisors(common: common, rows: Array(rows[chunk])) }

    /// What row i's loss is divided by before the sum: exactly 1 without examples.
    func share(_ i: Int) -> Double { Double(rows[i]) / Double(common) }
}

/// The work on one chunk of labelled rows, with the memory it needs.
private struct CrossEntropyChunk {
    /// Rows of a chunk: more would amortise OpenBLAS's packing of the head better, but the logits must stay near 50 MB.
    static func rows(vocabulary: Int) -> Int { min(512, max(64, (12 << 20) / vocabulary)) }

    let head: Tensor
    let dim: Int
    let groups: [Range<Int>]
    let inputs: Tensor
    let logits: Tensor
    /// For each group and row: maximum and sum of exponentials.
    let maxima: Tensor
    let sums: Tensor
    /// dh of each group.
    let partial: Tensor?

    init(head: Tensor, capacity: Int, needsHidden: Bool) {
        self.head = head
        dim = head.columns
        groups = Tiling.ranges(head.rows, size: max(2048, (head.rows + 15) / 16))
        inputs = Tensor(uninitialized: [capacity, dim])
        logits = Tensor(uninitialized: [capacity, head.rows])
        maxima = Tensor(uninitialized: [groups.count, capacity])
        sums = Tensor(uninitialized: [groups.count, capacity])
        partial = needsHidden ? Tensor(uninitialized: [groups.count, capacity, dim]) : nil
    }

    /// The sum of −log p(label) over `rows`, to be divided by the common divisor; adds the gradients where asked for.
    func lossAndGradients(
        _ hidden: Tensor,
        rows: ArraySlice<Int>,
        labels: [Int],
        divisors: LossDivisors,
        dHidden: Tensor?,
        dHead: Tensor?
    ) -> Double {
        let count = rows.count
        let rows = Array(rows)
        for (i, row) in rows.enumerated() {
            (inputs.pointer + i * dim).update(from: hidden.pointer + row * dim, count: dim)
        }
        // Labels' logits are read before the exponentials overwrite them.
        let labelLogits = Tensor(uninitialized: [count])
        Workers.run(groups.count) { group, _ in
            exponentials(group, count: count, labels: labels, labelLogits: labelLogits)
        }
        var total = 0.0
        var logSums = [Double](repeating: 0, count: count)
        for i in 0..<count {
            let top = (0..<groups.count).map { maxima.pointer[$0 * count + i] }.max() ?? 0
            var sum = 0.0
            for group in 0..<groups.count {
                sum += Double(sums.pointer[group * count + i]) * exp(Double(maxima.pointer[group * count + i] - top))
            }
            let logSum = Double(top) + log(sum)
            logSums[i] = logSum
            total += (logSum - Double(labelLogits.pointer[i])) / divisors.share(i)
        }
        guard dHidden != nil || dHead != nil else { return total }
        Workers.run(groups.count) { group, _ in
            gradients(group, count: count, labels: labels, logSums: logSums, divisors: divisors, dHead: dHead)
        }
        if let dHidden, let partial { addPartials(partial, rows: rows, into: dHidden) }
        return total
    }

    private func exponentials(_ group: Int, count: Int, labels: [Int], labelLogits: Tensor) {
        let columns = groups[group]
        let vocabulary = head.rows
        let z = logits.pointer + columns.lowerBound
        Matrices.multiplication.multiply(
            rows: count,
            columns: columns.count,
            inner: dim,
            alpha: 1,
            inputs.view,
            head.view.from(row: columns.lowerBound, column: 0).transposed,
            beta: 0,
            into: z,
            stride: vocabulary
        )
        for i in 0..<count {
            let row = z + i * vocabulary
            if columns.contains(labels[i]) { labelLogits.pointer[i] = row[labels[i] - columns.lowerBound] }
            sums.pointer[group * count + i] = Float(
                fsot_exponentials(row, columns.count, maxima.pointer + group * count + i)
            )
        }
    }

    private func gradients(
        _ group: Int,
        count: Int,
        labels: [Int],
        logSums: [Double],
        divisors: LossDivisors,
        dHead: Tensor?
    ) {
        let columns = groups[group]
        let vocabulary = head.rows
        let z = logits.pointer + columns.lowerBound
        for i in 0..<count {
            let row = z + i * vocabulary
            let factor = exp(Double(maxima.pointer[group * count + i]) - logSums[i]) / Double(divisors.rows[i])
            fsot_scale(row, row, Float(factor), columns.count)
            if columns.contains(labels[i]) { row[labels[i] - columns.lowerBound] -= 1 / divisors.rows[i] }
        }
        let weights = head.view.from(row: columns.lowerBound, column: 0)
        if let partial {
            Matrices.multiplication.multiply(
                rows: count,
                columns: dim,
                inner: columns.count,
                alpha: 1,
                MatrixView(z, stride: vocabulary),
                weights,
                beta: 0,
                into: partial.pointer + group * count * dim,
                stride: dim
            )
        }
        if let dHead {
            Matrices.multiplication.multiply(
                rows: columns.count,
                columns: dim,
                inner: count,
                alpha: 1,
                MatrixView(z, stride: vocabulary, isTransposed: true),
                inputs.view,
                beta: 1,
                into: dHead.pointer + columns.lowerBound * dim,
                stride: dim
            )
        }
    }

    private func addPartials(_ partial: Tensor, rows: [Int], into dHidden: Tensor) {
        Tiling.run(rows.count, size: 16) { range in
            for i in range {
                for group in 0..<groups.count {
                    fsot_add_into(
                        dHidden.pointer + rows[i] * dim,
                        partial.pointer + (group * rows.count + i) * dim,
                        dim
                    )
                }
            }
        }
    }
}
