import LanguageModels

/// A record as the model sees it.
public struct EncodedExample: Sendable, Equatable {
    /// Token ids.
    public var ids: [Int32]
    /// For each id itself (the model shifts), or ``ignoredLabel`` where there is no loss.
    public var labels: [Int32]
    /// Which record this is, counted from 0 in its file.
    public var recordIndex: Int
    /// Whether tokens were cut off to fit the maximum length.
    public var isTruncated: Bool

    /// The label of a token without loss, as in PyTorch.
    public static let ignoredLabel = TokenBatch.ignoredLabel

    /// Makes an example; `ids` and `labels` have the same length.
    public init(ids: [Int32], labels: [Int32], recordIndex: Int, isTruncated: Bool = false) {
        precondition(ids.count == labels.count, "one label an id")
        self.ids = ids
        self.labels = labels
        self.recordIndex = recordIndex
        self.isTruncated = isTruncated
    }

    /// How many tokens carry loss. The first token never does: nothing precedes it that could predict it.
    public var labelledTokenCount: Int {
        labels.dropFirst().count { $0 != Self.ignoredLabel }
    }
}
