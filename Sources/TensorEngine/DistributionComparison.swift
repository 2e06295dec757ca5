import CKernels
import Glibc

/// How one model's next-token distribution q differs from a reference p at one row.
public struct DistributionComparison: Sendable, Equatable {
    /// −log q(target), in nats.
    public var loss: Double
    /// −log p(target), in nats.
    public var referenceLoss: Double
    /// KL(p‖q) = Σ_v p_v (log p_v − log q_v), in nats.
    public var divergence: Double
    /// Whether the likeliest token of both is the same.
    public var agrees: Bool
}

/// The final states of a model with the head that reads them.
public struct HeadedStates {
    /// After the final norm, `[rows, dim]`.
    public let hidden: Tensor
    /// `[vocabulary, dim]`.
    public let head: Parameter

    /// Wraps states.
    public init(hidden: Tensor, head: Parameter) {
        self.hidden = hidden
        self.head = head
    }
}

/// Compares two models row by row, in chunks of rows: the logits never exist as a whole. Rows whose target is −100 are
/// left out of the result.
public func compareDistributions(
    reference: HeadedStates,
    candidate: HeadedStates,
    targets: [Int32]
) -> [DistributionComparison] {
    let vocabulary = reference.head.value.rows
    precondition(
        reference.hidden.rows == targets.count && candidate.hidden.rows == targets.count
            && candidate.head.value.rows == vocabulary,
        "\(targets.count) targets do not fit \(reference.hidden.shape) and \(candidate.hidden.shape)."
    )
    let wanted = targets.indices.filter { targets[$0] != -100 }
    let blank = DistributionComparison(loss: 0, referenceLoss: 0, divergence: 0, agrees: false)
    var result = [DistributionComparison](repeating: blank, count: wanted.count)
    result.withUnsafeMutableBufferPointer { result in
        let result = result
        for chunk in Tiling.ranges(wanted.count, size: 128) {
            let rows = Array(wanted[chunk])
            let p = logits(hidden: gathered(reference.hidden, rows), head: reference.head)
            let q = logits(hidden: gathered(candidate.hidden, rows), head: candidate.head)
            let weights = Tensor(uninitialized: p.shape)
            Tiling.run(rows.count, size: 4) { range in
                for i in range {
                    result[chunk.lowerBound + i] = compare(
                        p.pointer + i * vocabulary,
                        q.pointer + i * vocabulary,
                        scratch: weights.pointer + i * vocabulary,
                        count: vocabulary,
                        target: Int(targets[rows[i]])
                    )
                }
            }
        }
    }
    return result
}

private func gathered(_ x: Tensor, _ rows: [Int]) -> Tensor {
    Tensor.concatenatingRows(rows.map { x.copyRows($0..<($0 + 1)) })
}

private func compare(
    _ p: UnsafePointer<Float>,
    _ q: UnsafePointer<Float>,
    scratch e: UnsafeMutablePointer<Float>,
    count: Int,
    target: Int
) -> DistributionComparison {
    e.update(from: p, count: count)
    var (topP, topQ): (Float, Float) = (0, 0)
    let sumP = fsot_exponentials(e, count, &topP)
    let sumQ = fsot_exponential_sum(q, count, &topQ)
    let logSumP = Double(topP) + log(sumP)
    let logSumQ = Double(topQ) + log(sumQ)
    // Eight partial sums: one chain of additions would take as long as the rest together.
    var partial = SIMD8<Double>.zero
    var v = 0
    while v + 8 <= count {
        var difference = SIMD8<Float>.zero
        var weight = SIMD8<Float>.zero
        for lane in 0..<8 {
            difference[lane] = p[v + lane] - q[v + lane]
            weight[lane] = e[v + lane]
        }
        partial += SIMD8<Double>(weight) * SIMD8<Double>(difference)
        v += 8
    }
    var dot = partial.sum()
    var likeliestOfQ = 0
    for rest in v..<count { dot += Double(e[rest]) * Double(p[rest] - q[rest]) }
    for index in 0..<count where q[index] == topQ {
        likeliestOfQ = index
        break
    }
    return DistributionComparison(
        loss: logSumQ - Double(q[target]),
        referenceLoss: logSumP - Double(p[target]),
        // Rounding may leave a tiny negative number where both are the same.
        divergence: max(0, dot / sumP - logSumP + logSumQ),
        agrees: p[likeliestOfQ] == topP
    )
}
