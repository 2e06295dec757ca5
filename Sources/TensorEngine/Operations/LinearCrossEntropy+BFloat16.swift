import CKernels
import Glibc

extension Tape {
    /// `linearCrossEntropy` with products in bfloat16 and a frozen head. The exponentials of a chunk are kept in bfloat16,
    /// relative to the maximum of their group of the vocabulary; what turns them into gradients is one factor for each row
    /// and group, applied to the product: dh = Σ_groups exp(max − logsum) / divisor · e W − W[label] / divisor.
    func bfloat16LinearCrossEntropy(
        _ hidden: Tensor,
        head: Parameter,
        labels: [Int32],
        labelled: [Int],
        divisors: LossDivisors
    ) -> Tensor {
        let loss = output([1], requiresGradientIf: hidden.requiresGradient)
        let dHidden = loss.requiresGradient ? Tensor.zeros(hidden.shape) : nil
        let chunks = Tiling.ranges(labelled.count, size: 256)
        let work = BFloat16CrossEntropy(
            head: head,
            capacity: chunks.map(\.count).max() ?? 0,
            keepsExponentials: dHidden != nil
        )
        var total = 0.0
        for chunk in chunks {
            total += work.loss(
                hidden,
                rows: Array(labelled[chunk]),
                labels: labels,
                divisors: divisors[chunk],
                dHidden: dHidden
            )
        }
        loss.pointer[0] = Float(total / Double(divisors.common))
        let slot = hidden.slot
        record(loss) { gradient in
            let upstream = gradient.pointer[0]
            guard let dHidden, let slot else { return }
            if upstream != 1 { Elementwise.scale(dHidden, by: upstream) }
            slot.add(dHidden)
        }
        return loss
    }
}

/// The work on one chunk of labelled rows, with the memory it needs.
private struct BFloat16CrossEntropy {
    /// Columns of a group: 64 rows of logits in float32 stay in the second-level cache.
    private static let group = 32 * BFloat16Panels.width
    private static let rowBlock = 64

    private let head: Parameter
    private let forward: BFloat16Panels
    private let dim: Int
    private let vocabulary: Int
    private let groups: [Range<Int>]
    private let capacity: Int
    private let inputs: Tensor
    private let exponentials: Tensor?
    /// Words from row to row of the exponentials: a cache line more than the vocabulary, so that rows do not collide.
    private let wordsPerRow: Int
    /// For each group and row: maximum and sum of exponentials, later the factor.
    private let maxima: Tensor
    private let sums: Tensor
    private let labelLogits: Tensor
    private let workers: Int
    private let logits: Tensor

    init(head: Parameter, capacity: Int, keepsExponentials: Bool) {
        self.head = head
        self.capacity = capacity
        forward = head.panels(inner: .columns)
        dim = head.value.columns
        vocabulary = head.value.rows
        groups = stride(from: 0, to: vocabulary, by: Self.group).map { [vocabulary] in
            $0..<min(vocabulary, $0 + Self.group)
        }
        wordsPerRow = (vocabulary + 31) / 32 * 16 + 16
        inputs = Tensor(uninitialized: [capacity, dim])
        exponentials = keepsExponentials ? Tensor(uninitialized: [capacity, wordsPerRow]) : nil
        maxima = Tensor(uninitialized: [groups.count, capacity])
        sums = Tensor(uninitialized: [groups.count, capacity])
        labelLogits = Tensor(uninitialized: [capacity])
        workers = max(1, Threads.count)
        logits = Tensor(uninitialized: [workers, Self.rowBlock * Self.group])
    }

    /// The sum of −log p(label) over `rows`, to be divided by the common divisor; adds the gradient where asked for.
    func loss(
        _ hidden: Tensor,
        rows: [Int],
        labels: [Int32],
        divisors: LossDivisors,
        dHidden: Tensor?
    ) -> Double {
        let count = rows.count
        let gathered = inputs.mutablePointer
        for (i, row) in rows.enumerated() {
            (gathered + i * dim).update(from: hidden.pointer + row * dim, count: dim)
        }
        let operand = inputs.bfloat16.operand
        Workers.run(groups.count, limit: workers) { group, worker in
            for start in stride(from: 0, to: count, by: Self.rowBlock) {
                exponentiate(
                    start..<min(count, start + Self.rowBlock),
                    group,
                    operand,
                    targets: rows.map { Int(labels[$0]) },
                    z: logits.pointer + worker * logits.columns
                )
            }
        }
        var total = 0.0
        for i in 0..<count {
            let top = groups.indices.map { maxima.pointer[$0 * capacity + i] }.max() ?? 0
            var sum = 0.0
            for group in groups.indices {
                let at = group * capacity + i
                sum += Double(sums.pointer[at]) * exp(Double(maxima.pointer[at] - top))
            }
            let logSum = Double(top) + log(sum)
            total += (logSum - Double(labelLogits.pointer[i])) / divisors.share(i)
            for group in groups.indices {
                let at = group * capacity + i
                sums.pointer[at] = Float(exp(Double(maxima.pointer[at]) - logSum) / Double(divisors.rows[i]))
            }
        }
        if let dHidden { addGradient(rows, labels: labels, divisors: divisors, into: dHidden) }
        return total
    }

    private func exponentiate(
        _ rows: Range<Int>,
        _ group: Int,
        _ operand: BFloat16Operand,
        targets: [Int],
        z: UnsafeMutablePointer<Float>
    ) {
        let columns = groups[group]
        fsot_bf16_gemm(
            rows.count,
            columns.count,
            operand.pairs,
            operand.words + rows.lowerBound * operand.rowStep,
            operand.rowStep,
            1,
            forward.words + columns.lowerBound * forward.pairs,
            forward.columns - columns.lowerBound,
            forward.panelStep,
            z,
            Self.group,
            1,
            nil,
            0
        )
        for i in rows {
            let row = z + (i - rows.lowerBound) * Self.group
            if columns.contains(targets[i]) { labelLogits.pointer[i] = row[targets[i] - columns.lowerBound] }
            let kept = exponentials.map {
                UnsafeMutableRawPointer($0.pointer + i * wordsPerRow).assumingMemoryBound(to: UInt16.self)
                    + columns.lowerBound
            }
            let at = group * capacity + i
            sums.pointer[at] = fsot_bf16_exponentials(row, columns.count, kept, maxima.pointer + at)
            if columns.count % 2 == 1, let kept { kept[columns.count] = 0 }
        }
    }

    private func addGradient(_ rows: [Int], labels: [Int32], divisors: LossDivisors, into dHidden: Tensor) {
        guard let exponentials else { return }
        let backward = head.panels(inner: .rows)
        let gradient = Tensor(uninitialized: [rows.count, dim])
        let words = UnsafeMutableRawPointer(exponentials.pointer).assumingMemoryBound(to: UInt32.self)
        let rowTiles = Tiling.ranges(rows.count, size: 64)
        let panelTiles = Tiling.ranges((dim + BFloat16Panels.width - 1) / BFloat16Panels.width, size: 4)
        Workers.run(rowTiles.count * panelTiles.count) { tile, _ in
            let tileRows = rowTiles[tile % rowTiles.count]
            let panels = panelTiles[tile / rowTiles.count]
            let first = panels.lowerBound * BFloat16Panels.width
            let last = min(dim, panels.upperBound * BFloat16Panels.width)
            for start in stride(from: first, to: last, by: BFloat16Panels.width) {
                let width = min(BFloat16Panels.width, last - start)
                let step = (width + 15) / 16 * 16
                for (group, columns) in groups.enumerated() {
                    fsot_bf16_gemm(
                        tileRows.count,
                        width,
                        (columns.count + 1) / 2,
                        words + tileRows.lowerBound * wordsPerRow + columns.lowerBound / 2,
                        wordsPerRow,
                        1,
                        backward.words + start * backward.pairs + columns.lowerBound / 2 * step,
                        width,
                        backward.panelStep,
                        gradient.pointer + tileRows.lowerBound * dim + start,
                        dim,
                        1,
                        sums.pointer + group * capacity + tileRows.lowerBound,
                        group == 0 ? 0 : 1
                    )
                }
            }
        }
        Tiling.run(rows.count, size: 16) { range in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: dim) { column in
                guard let label = column.baseAddress else { return }
                for i in range {
                    let target = dHidden.pointer + rows[i] * dim
                    target.update(from: gradient.pointer + i * dim, count: dim)
                    forward.copyColumn(Int(labels[rows[i]]), to: label)
                    fsot_axpy(target, -1 / divisors.rows[i], label, dim)
                }
            }
        }
    }
}
