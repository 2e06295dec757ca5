import Foundation
import Progress
import TensorEngine

/// Mean loss per labelled token, and perplexity, over a set of records.
public struct RecordPerplexity: Codable, Sendable, Equatable {
    /// Nats per labelled token.
    public var loss: Double
    /// Standard error of ``loss`` over records: they are the independent draws, tokens are not. Zero for one record.
    public var lossError: Double
    /// exp(loss).
    public var perplexity: Double
    /// Standard error of ``perplexity``, to first order.
    public var perplexityError: Double
    /// Records that were scored.
    public var records: Int
    /// Labelled tokens that were scored.
    public var labelledTokens: Int

    /// The figures from each record's summed loss and token count.
    public init(sums: [Double], tokens: [Int]) {
        let ratio = RatioOfSums(numerators: sums, denominators: tokens.map(Double.init))
        loss = ratio.value
        lossError = ratio.standardError
        perplexity = exp(loss)
        perplexityError = perplexity * lossError
        records = sums.count
        labelledTokens = tokens.reduce(0, +)
    }

    /// Scores examples one by one under an objective that sums over labelled tokens; those without any are left out.
    ///
    /// - Parameter isCancelled: asked before each example.
    /// - Throws: `CancellationError` when cancelled.
    public static func measure(
        on examples: [EncodedExample],
        phase: String = "evaluating",
        progress: ProgressHandler? = nil,
        isCancelled: () -> Bool = { false },
        objective: Trainer.Objective
    ) throws -> RecordPerplexity {
        let scored = examples.filter { $0.labelledTokenCount > 0 }
        let total = scored.reduce(0) { $0 + $1.ids.count }
        var done = 0
        progress?(ProgressEvent(phase: phase, completed: 0, total: total, unit: "tokens"))
        let sums = try scored.map { example in
            if isCancelled() { throw CancellationError() }
            let sum = Double(objective([example], Tape(isRecording: false), 1).values.first ?? .nan)
            done += example.ids.count
            progress?(ProgressEvent(phase: phase, completed: done, total: total, unit: "tokens"))
            return sum
        }
        return RecordPerplexity(sums: sums, tokens: scored.map(\.labelledTokenCount))
    }
}
