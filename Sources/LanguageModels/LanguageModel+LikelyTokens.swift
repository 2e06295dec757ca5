import TensorEngine

/// A token that could stand at a position.
public struct LikelyToken: Sendable, Equatable {
    /// The token.
    public var id: Int32
    /// Its logit: exp of a difference of two is the ratio of their probabilities.
    public var logit: Float
}

extension LanguageModel {
    /// The likeliest tokens at some positions of a sequence, each given all that stands before it.
    ///
    /// - Parameters:
    ///   - sequence: token ids.
    ///   - positions: of tokens in the sequence, ascending; the first token is predicted by nothing and may not be among them.
    ///   - count: how many tokens a position.
    /// - Returns: `[positions][count]`, likeliest first, the smaller id first among equals; fewer where the vocabulary is smaller.
    /// - Throws: `LanguageModelError.tokenOutOfRange`, `.tooLong`, `.emptyPrompt`.
    public func likeliestTokens(in sequence: [Int32], at positions: [Int], count: Int) throws -> [[LikelyToken]] {
        precondition(
            positions.allSatisfy(sequence.indices.dropFirst().contains),
            "only predicted tokens have alternatives."
        )
        if positions.isEmpty { return [] }
        try validate(sequence)
        let states = hidden(sequence, layout: SequenceLayout(lengths: [sequence.count]), on: Tape(isRecording: false))
        return stride(from: 0, to: positions.count, by: Self.rowsOfLogits).flatMap { start -> [[LikelyToken]] in
            let own = positions[start..<min(positions.count, start + Self.rowsOfLogits)]
            let first = own[start] - 1
            let last = own[own.endIndex - 1] - 1
            let all = TensorEngine.logits(hidden: states.copyRows(first..<(last + 1)), head: headWeight)
            return all.withUnsafeBufferPointer { values in
                own.map { position in
                    let row = (position - 1 - first) * all.columns
                    return Self.likeliest(UnsafeBufferPointer(rebasing: values[row..<row + all.columns]), count)
                }
            }
        }
    }

    /// Rows whose logits are held at once.
    private static let rowsOfLogits = 32

    private static func likeliest(_ logits: UnsafeBufferPointer<Float>, _ count: Int) -> [LikelyToken] {
        var best: [LikelyToken] = []
        for (id, logit) in logits.enumerated() {
            if best.count == count, let last = best.last, logit <= last.logit { continue }
            let place = best.firstIndex { $0.logit < logit } ?? best.count
            best.insert(LikelyToken(id: Int32(id), logit: logit), at: place)
            if best.count > count { best.removeLast() }
        }
        return best
    }
}
