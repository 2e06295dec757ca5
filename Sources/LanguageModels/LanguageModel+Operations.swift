import TensorEngine

/// Floating-point operations of a training step, a multiplication and an addition counted as two: the products that the
/// mathematics asks for, nothing for norms, activations, softmax or the optimizer.
public struct StepOperations: Sendable, Equatable {
    /// The forward pass, loss included.
    public var forward: Double
    /// Gradients of activations and of trained weights.
    public var backward: Double

    /// Both passes.
    public var total: Double { forward + backward }
}

extension LanguageModel {
    /// What one step of the present trainable parameters costs on sequences of these lengths.
    ///
    /// Nothing flows below the lowest block that holds something trainable, and within it all but the gradient of its input
    /// is counted as if it did. Causal attention is counted at half of the square.
    ///
    /// - Parameter labelled: rows that carry a loss; nil: all.
    public func operations(lengths: [Int], labelled: Int? = nil) -> StepOperations {
        let rows = Double(lengths.reduce(0, +))
        let squares = lengths.reduce(0.0) { $0 + Double($1) * Double($1 + 1) / 2 }
        let attention = 4 * squares * Double(configuration.headCount * configuration.headSize)
        let head = 2 * Double(headWeight.value.count) * Double(labelled ?? lengths.reduce(0, +))
        var sum = StepOperations(forward: head, backward: 0)
        var hasGradient = tokenEmbedding.isTrainable
        for block in blocks {
            let branches = block.linears.compactMap(\.lowRank)
            let isTrained =
                block.parameters.contains(where: \.isTrainable)
                || branches.contains { $0.a.isTrainable || $0.b.isTrainable }
            hasGradient = hasGradient || isTrained
            sum.forward += attention
            if hasGradient { sum.backward += 2.5 * attention }
            for linear in block.linears {
                let product = 2 * Double(linear.factors.reduce(0) { $0 + $1.value.count }) * rows
                sum.forward += product
                if hasGradient { sum.backward += product }
                if linear.weight.isTrainable { sum.backward += product }
                if let branch = linear.lowRank {
                    let low = 2 * Double(branch.a.value.count + branch.b.value.count) * rows
                    sum.forward += low
                    sum.backward += 2 * low
                }
            }
        }
        if hasGradient || headWeight.isTrainable { sum.backward += head }
        if headWeight.isTrainable { sum.backward += head }
        return sum
    }
}
