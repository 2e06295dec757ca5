import LanguageModels
import TensorEngine

/// The summed loss of each of some records under a model: what differences between models are paired on.
public struct RecordLosses: Codable, Sendable, Equatable {
    /// Nats, summed over the labelled tokens of each record.
    public var sums: [Double]
    /// Labelled tokens of each record.
    public var tokens: [Int]

    /// Wraps sums; one count of tokens a sum.
    public init(sums: [Double], tokens: [Int]) {
        precondition(sums.count == tokens.count, "one count of tokens a sum")
        self.sums = sums
        self.tokens = tokens
    }

    /// Mean loss and perplexity with their errors over records.
    public var perplexity: RecordPerplexity { RecordPerplexity(sums: sums, tokens: tokens) }

    /// Tokens that one pass may hold: bounds the activations whatever the number of records.
    public static let batchTokens = 2048

    /// Scores records in ragged batches of like length; the batches follow from the lengths alone, so the same records and
    /// weights give the same bits.
    ///
    /// - Parameters:
    ///   - examples: each with a labelled token.
    ///   - onBatch: told how many tokens a finished batch held.
    ///   - isCancelled: asked before each batch.
    /// - Throws: `LanguageModelError` for an example that the model cannot take; `CancellationError` when cancelled.
    public static func measure(
        _ model: LanguageModel,
        on examples: [EncodedExample],
        onBatch: (_ tokens: Int) -> Void = { _ in },
        isCancelled: () -> Bool = { false }
    ) throws -> RecordLosses {
        for example in examples { try model.validate(example.ids) }
        var result = RecordLosses(
            sums: [Double](repeating: 0, count: examples.count),
            tokens: examples.map(\.labelledTokenCount)
        )
        for members in batches(examples.map(\.ids.count)) {
            if isCancelled() { throw CancellationError() }
            let batch = TokenBatch(members.map { examples[$0] })
            let tape = Tape(isRecording: false)
            let states = model.hidden(batch.ids, layout: batch.layout, on: tape)
            let labels = batch.nextLabels
            for (member, (offset, length)) in zip(members, zip(batch.layout.offsets, batch.layout.lengths)) {
                let rows = offset..<(offset + length)
                let loss = tape.linearCrossEntropy(
                    states.copyRows(rows),
                    head: model.headWeight,
                    labels: Array(labels[rows]),
                    divisor: 1
                )
                result.sums[member] = Double(loss.values.first ?? .nan)
            }
            onBatch(batch.ids.count)
        }
        return result
    }

    /// Indices of sequences in batches of at most ``batchTokens`` (or one longer sequence), longest first.
    public static func batches(_ lengths: [Int]) -> [[Int]] {
        let order = lengths.indices.sorted { (lengths[$0], $1) > (lengths[$1], $0) }
        var batches: [[Int]] = []
        var rows = 0
        for index in order {
            if batches.isEmpty || rows + lengths[index] > batchTokens {
                batches.append([])
                rows = 0
            }
            batches[batches.count - 1].append(index)
            rows += lengths[index]
        }
        return batches
    }
}
