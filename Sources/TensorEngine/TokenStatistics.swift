import CKernels
import Glibc

/// What a model says about one token, for scores and membership inference.
public struct TokenStatistics: Sendable, Equatable {
    /// log p(target).
    public var logProbability: Float
    /// μ = Σ_v p_v log p_v: the expected log-probability.
    public var mean: Float
    /// σ = √(Σ_v p_v log² p_v − μ²); with μ it normalises Min-K%++ (arXiv 2404.02936).
    public var deviation: Float
    /// Whether no token is likelier than the target.
    public var isArgmax: Bool

    /// Statistics from their parts.
    public init(logProbability: Float, mean: Float, deviation: Float, isArgmax: Bool) {
        self.logProbability = logProbability
        self.mean = mean
        self.deviation = deviation
        self.isArgmax = isArgmax
    }

    static let skipped = TokenStatistics(logProbability: 0, mean: 0, deviation: 0, isArgmax: false)
}

/// Statistics of each row's target under softmax(hidden · headᵀ), in chunks of rows: the logits never exist as a whole.
/// `hidden` is `[rows, dim]`, `head` `[vocabulary, dim]`; a target of −100 is skipped and gives zeros.
public func tokenStatistics(hidden: Tensor, head: Parameter, targets: [Int32]) -> [TokenStatistics] {
    let dim = hidden.columns
    let vocabulary = head.value.rows
    precondition(
        targets.count == hidden.rows && head.value.columns == dim,
        "\(targets.count) targets and the head \(head.value.shape) do not fit \(hidden.shape)."
    )
    var result = [TokenStatistics](repeating: .skipped, count: targets.count)
    let wanted = targets.indices.filter { targets[$0] != -100 }
    for row in wanted {
        precondition(
            targets[row] >= 0 && Int(targets[row]) < vocabulary,
            "target \(targets[row]) lies outside the vocabulary of \(vocabulary)."
        )
    }
    let chunks = Tiling.ranges(wanted.count, size: 128)
    let capacity = chunks.map(\.count).max() ?? 0
    let inputs = Tensor(uninitialized: [capacity, dim])
    let logits = Tensor(uninitialized: [capacity, vocabulary])
    result.withUnsafeMutableBufferPointer { result in
        let result = result
        for chunk in chunks {
            let rows = Array(wanted[chunk])
            let gathered = inputs.mutablePointer
            for (i, row) in rows.enumerated() {
                (gathered + i * dim).update(from: hidden.pointer + row * dim, count: dim)
            }
            if head.usesBFloat16 {
                BFloat16Products.multiply(
                    inputs.bfloat16.operand,
                    head.panels(inner: .columns),
                    into: logits.pointer,
                    accumulates: false
                )
            } else {
                multiply(inputs, rows: rows.count, by: head.value, into: logits)
            }
            Tiling.run(rows.count, size: 4) { range in
                for i in range {
                    result[rows[i]] = statistics(
                        logits.pointer + i * vocabulary,
                        count: vocabulary,
                        target: Int(targets[rows[i]])
                    )
                }
            }
        }
    }
    return result
}

/// The first `rows` rows of `logits` = those of `inputs` · headᵀ in float32.
private func multiply(_ inputs: Tensor, rows: Int, by head: Tensor, into logits: Tensor) {
    let groups = Tiling.ranges(head.rows, size: 2048)
    Workers.run(groups.count) { group, _ in
        let columns = groups[group]
        Matrices.multiplication.multiply(
            rows: rows,
            columns: columns.count,
            inner: head.columns,
            alpha: 1,
            inputs.view,
            head.view.from(row: columns.lowerBound, column: 0).transposed,
            beta: 0,
            into: logits.pointer + columns.lowerBound,
            stride: head.rows
        )
    }
}

private func statistics(_ z: UnsafePointer<Float>, count: Int, target: Int) -> TokenStatistics {
    var top: Float = 0
    let sum = fsot_exponential_sum(z, count, &top)
    let logSum = Double(top) + log(sum)
    // Moments around the rounded logarithm, divided by their own sum: the rounding then cancels.
    let shift = Float(logSum)
    var moments = (0.0, 0.0, 0.0)
    withUnsafeMutableBytes(of: &moments) { bytes in
        if let base = bytes.assumingMemoryBound(to: Double.self).baseAddress { fsot_log_moments(z, count, shift, base) }
    }
    let first = moments.1 / moments.0
    let variance = max(0, moments.2 / moments.0 - first * first)
    return TokenStatistics(
        logProbability: Float(Double(z[target]) - logSum),
        mean: Float(first + Double(shift) - logSum),
        deviation: Float(variance.squareRoot()),
        isArgmax: z[target] >= top
    )
}

/// All logits, `[rows, vocabulary]`: for generation and tests, not for training.
public func logits(hidden: Tensor, head: Parameter) -> Tensor {
    Tape(isRecording: false).linear(hidden.withoutGradient, weight: head)
}

/// exp((z − maximum) / temperature) and the sum of it: the softmax before its division.
package func exponentials(
    _ z: UnsafeBufferPointer<Float>,
    maximum: Float,
    temperature: Float
) -> (weights: [Float], total: Double) {
    var weights = z.map { ($0 - maximum) / temperature }
    var top: Float = 0
    let total = weights.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.map { fsot_exponentials($0, buffer.count, &top) } ?? 0
    }
    return (weights, total)
}
