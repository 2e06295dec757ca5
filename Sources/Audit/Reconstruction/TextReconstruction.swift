import Federation
import LanguageModels
import Progress
import TensorEngine

/// Reads training text out of one step's update, token by token: DAGER (Petrov, Dimitrov, Baader, Müller & Vechev 2024,
/// arXiv 2405.15586), for adapters whose two lowest blocks are the model's.
///
/// The first block's update spans the embeddings of the step's tokens: whoever has the vocabulary reads off which tokens
/// there were. The second block's update spans what the first block makes of each token *after those before it*: a prefix is
/// right exactly when its last token's input lies in that span, so sequences grow token by token, with no guess and no search
/// over gradients. It works while a step's tokens are fewer than the model is wide.
public struct TextReconstruction {
    /// Prefixes followed at once.
    private static let beams = 64
    /// Rows of one pass through a block.
    private static let rows = 4096
    /// Between residuals inside and outside of a span there has to be such a factor.
    private static let smallestGap = 4.0
    /// The limit between right and wrong prefixes stays within these.
    private static let limits = 1e-5...3e-2

    private let tuned: TunedModel
    private let layers: AdapterSpans
    private let maximumLength: Int
    private let isCancelled: () -> Bool

    /// - Parameters:
    ///   - tuned: the emulator with its adapter attached as it was tuned; its state is changed.
    ///   - maximumLength: tokens of the longest record.
    ///   - isCancelled: asked between passes.
    public init(tuned: TunedModel, maximumLength: Int, isCancelled: @escaping () -> Bool = { false }) {
        self.tuned = tuned
        layers = AdapterSpans(tuned)
        self.maximumLength = maximumLength
        self.isCancelled = isCancelled
    }

    /// What an update gives away.
    public struct Outcome: Sendable, Equatable {
        /// Tokens of the vocabulary that were in the step.
        public var tokens: [Int32]
        /// Sequences, each as far as it goes: a sequence's last token predicts nothing and leaves no trace.
        public var sequences: [[Int32]]
    }

    /// Whether the adapter has the two lowest blocks: without them there is no dictionary to read with.
    public var isPossible: Bool { layers.blocks == [0, 1] }

    /// Decodes an update, or a sum of updates.
    ///
    /// - Parameters:
    ///   - update: the change of the adapter in one round.
    ///   - broadcast: the adapter that the round started from.
    /// - Returns: nil when the row spaces are full, or nothing stands out in them.
    /// - Throws: `CancellationError`.
    public func decode(_ update: [Float], from broadcast: [Float]) throws -> Outcome? {
        tuned.state = AdapterState(values: broadcast)
        guard isPossible, let first = layers.span(of: update, in: 0), let second = layers.span(of: update, in: 1),
            !first.isSaturated, !second.isSaturated
        else { return nil }
        let vocabulary = (0..<Int32(tuned.model.configuration.vocabularySize)).map { $0 }
        let residuals = try residuals(of: vocabulary.map { [$0] }, in: 0, first)
        guard let limit = Self.limit(residuals, atMost: first.rank) else { return nil }
        let tokens = vocabulary.filter { residuals[Int($0)] < limit }
        let starting = try self.residuals(of: tokens.map { [$0] }, in: 1, second)
        guard let found = Self.limit(starting, atMost: max(1, tokens.count - 1)) else {
            return Outcome(tokens: tokens, sequences: [])
        }
        let bound = min(max(found, Self.limits.lowerBound), Self.limits.upperBound)
        var prefixes = zip(tokens, starting).filter { $0.1 < bound }.map { [$0.0] }
        var ended: [[Int32]] = []
        while !prefixes.isEmpty {
            let extended = prefixes.flatMap { prefix in tokens.map { prefix + [$0] } }
            let residuals = try self.residuals(of: extended, in: 1, second)
            var next: [(residual: Double, ids: [Int32])] = []
            for (index, prefix) in prefixes.enumerated() {
                let own = (index * tokens.count..<(index + 1) * tokens.count).filter {
                    residuals[$0] < bound && !Self.isStammer(extended[$0])
                }
                if own.isEmpty || prefix.count + 1 >= maximumLength { ended.append(prefix) }
                if prefix.count + 1 < maximumLength { next += own.map { (residuals[$0], extended[$0]) } }
            }
            next.sort { ($0.residual, $0.ids.count) < ($1.residual, $1.ids.count) }
            prefixes = next.prefix(Self.beams).map(\.ids)
        }
        return Outcome(tokens: tokens, sequences: ended.filter { Set($0).count > 1 && $0.count > 2 })
    }

    /// A token that only repeats itself is to the attention as if it stood there once, so that the span always allows one more.
    private static func isStammer(_ ids: [Int32]) -> Bool { ids.count > 3 && Set(ids).count == 1 }

    /// 1 − the share in the span of the last token's input to a block's attention, for each sequence of one length.
    private func residuals(of sequences: [[Int32]], in block: Int, _ span: UpdateSpan) throws -> [Double] {
        guard let length = sequences.first?.count else { return [] }
        let projection = tuned.model.blocks[block].attentionProjections[0]
        var captured: Tensor?
        projection.onInput = { captured = $0 }
        defer { projection.onInput = nil }
        var result: [Double] = []
        let step = max(1, Self.rows / length)
        for start in stride(from: 0, to: sequences.count, by: step) {
            if isCancelled() { throw CancellationError() }
            let part = sequences[start..<min(sequences.count, start + step)]
            let layout = SequenceLayout(lengths: part.map { _ in length })
            let tape = Tape(isRecording: false)
            let embedded = tuned.model.embed(part.flatMap { $0 }, layout: layout, on: tape)
            _ = tuned.model.run(blocks: 0..<(block + 1), from: embedded, layout: layout, on: tape)
            guard let inputs = captured else { return [] }
            let width = projection.inputSize
            let last = inputs.withUnsafeBufferPointer { values in
                (1...part.count).flatMap { values[(($0 * length - 1) * width)..<($0 * length * width)] }
            }
            result += span.shares(of: last).map { 1 - $0 }
        }
        return result
    }

    /// Where the largest gap lies between small residuals and the others, as a limit between the two.
    ///
    /// - Parameter count: how many can be inside.
    private static func limit(_ residuals: [Double], atMost count: Int) -> Double? {
        let sorted = residuals.sorted().map { max($0, 1e-12) }
        guard sorted.count > 1 else { return nil }
        let gaps = (0..<min(count, sorted.count - 1)).map { sorted[$0 + 1] / sorted[$0] }
        guard let widest = gaps.indices.max(by: { gaps[$0] < gaps[$1] }), gaps[widest] >= smallestGap else {
            return nil
        }
        return (sorted[widest] * sorted[widest + 1]).squareRoot()
    }
}
