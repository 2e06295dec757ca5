import TensorEngine

/// Token sequences to train on: ragged, concatenated, without padding.
public struct TokenBatch: Sendable, Equatable {
    /// The label of a token that carries no loss, as in PyTorch.
    public static let ignoredLabel: Int32 = -100

    /// The tokens of all sequences, one after the other.
    public let ids: [Int32]
    /// One label a token, aligned with `ids` (the shift by one happens inside the model); -100 carries no loss.
    public let labels: [Int32]
    /// Where each sequence starts and how long it is.
    public let layout: SequenceLayout

    /// Makes a batch from concatenated rows; all three must describe the same number of tokens.
    public init(ids: [Int32], labels: [Int32], layout: SequenceLayout) {
        precondition(ids.count == labels.count && ids.count == layout.rows, "one id and one label a row")
        self.ids = ids
        self.labels = labels
        self.layout = layout
    }

    /// Makes a batch of `sequences`, each with its labels (nil: every token is its own label).
    public init(sequences: [[Int32]], labels: [[Int32]]? = nil) {
        self.init(
            ids: sequences.flatMap { $0 },
            labels: (labels ?? sequences).flatMap { $0 },
            layout: SequenceLayout(lengths: sequences.map(\.count))
        )
    }

    /// For each row the token that it has to predict: the label of the next row of the same sequence, -100 at its end.
    public var nextLabels: [Int32] { Self.shifted(labels, layout: layout) }

    /// How many rows carry a loss: what the mean loss divides by.
    public var labelCount: Int { nextLabels.count { $0 != Self.ignoredLabel } }

    static func shifted(_ values: [Int32], layout: SequenceLayout) -> [Int32] {
        var shifted = [Int32](repeating: ignoredLabel, count: values.count)
        for (offset, length) in zip(layout.offsets, layout.lengths) where length > 1 {
            for row in offset..<(offset + length - 1) { shifted[row] = values[row + 1] }
        }
        return shifted
    }
}
