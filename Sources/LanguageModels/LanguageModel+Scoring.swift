import Glibc
import TensorEngine

/// How likely a model finds a continuation after a prefix.
public struct CompletionScore: Sendable, Equatable {
    /// Sum of the natural logarithms of the continuation's token probabilities.
    public let logLikelihood: Double
    /// Tokens in the continuation.
    public let tokenCount: Int
    /// Whether greedy decoding of the prefix gives exactly the continuation.
    public let isGreedy: Bool
}

/// Perplexity of texts under a model.
public struct Perplexity: Sendable, Equatable {
    /// Mean negative log-likelihood a predicted token, in nats.
    public let meanLoss: Double
    /// Tokens that were predicted.
    public let tokenCount: Int
    /// exp of the mean loss.
    public var value: Double { exp(meanLoss) }
}

extension LanguageModel {
    /// Rows that one scoring pass may hold: bounds the activations whatever the number of texts.
    public static let scoringRows = 2048

    /// Statistics of every next token: entry i of a sequence is about its token i + 1 given tokens 0...i.
    ///
    /// Sequences are run in ragged batches of bounded size. A sequence of fewer than two tokens has no statistics.
    ///
    /// - Throws: `LanguageModelError.tokenOutOfRange`, `.tooLong`.
    public func score(_ sequences: [[Int32]]) throws -> [[TokenStatistics]] {
        try score(sequences, of: sequences.map { $0.map { _ in true } })
    }

    /// The same for some tokens only. The head, a large part of a small model, is not run for the others.
    ///
    /// - Parameter scored: whether the statistics of a token are wanted, one flag a token of each sequence; the others come
    ///   out as zeros, and the first token of a sequence is predicted by nothing.
    /// - Throws: `LanguageModelError.tokenOutOfRange`, `.tooLong`.
    public func score(_ sequences: [[Int32]], of scored: [[Bool]]) throws -> [[TokenStatistics]] {
        precondition(sequences.map(\.count) == scored.map(\.count), "One flag a token is needed.")
        for sequence in sequences where !sequence.isEmpty { try validate(sequence) }
        var result = sequences.map { _ in [TokenStatistics]() }
        // Longest first, so that a batch holds sequences of like length and the order of the input does not matter.
        let order = sequences.indices.filter { sequences[$0].count > 1 }
            .sorted { (sequences[$0].count, $1) > (sequences[$1].count, $0) }
        var start = 0
        while start < order.count {
            var end = start
            var rows = 0
            repeat {
                rows += sequences[order[end]].count
                end += 1
            } while end < order.count && rows + sequences[order[end]].count <= Self.scoringRows
            let members = order[start..<end]
            let layout = SequenceLayout(lengths: members.map { sequences[$0].count })
            let ids = members.flatMap { sequences[$0] }
            var targets = TokenBatch.shifted(ids, layout: layout)
            for (member, offset) in zip(members, layout.offsets) {
                for row in 1..<sequences[member].count where !scored[member][row] { targets[offset + row - 1] = -100 }
            }
            let states = hidden(ids, layout: layout, on: Tape(isRecording: false))
            let statistics = tokenStatistics(hidden: states, head: headWeight, targets: targets)
            for (member, offset) in zip(members, layout.offsets) {
                result[member] = Array(statistics[offset..<(offset + sequences[member].count - 1)])
            }
            start = end
        }
        return result
    }

    /// Perplexity over all next tokens of `sequences`; each starts without context.
    ///
    /// - Throws: as ``score(_:)``; `LanguageModelError.emptyPrompt` when nothing is predicted.
    public func perplexity(_ sequences: [[Int32]]) throws -> Perplexity {
        let scores = try score(sequences)
        let count = scores.reduce(0) { $0 + $1.count }
        guard count > 0 else { throw LanguageModelError.emptyPrompt }
        let sum = scores.reduce(0.0) { $0 + $1.reduce(0.0) { $0 - Double($1.logProbability) } }
        return Perplexity(meanLoss: sum / Double(count), tokenCount: count)
    }

    /// How likely `continuation` is after `prefix`.
    ///
    /// - Throws: `LanguageModelError.emptyPrompt` for an empty prefix, and as ``score(_:)``.
    public func completionLogLikelihood(prefix: [Int32], continuation: [Int32]) throws -> CompletionScore {
        try completionLogLikelihoods([(prefix: prefix, continuation: continuation)])[0]
    }

    /// The same for many pairs at once; answer choices share batches.
    ///
    /// - Throws: as ``completionLogLikelihood(prefix:continuation:)``.
    public func completionLogLikelihoods(
        _ pairs: [(prefix: [Int32], continuation: [Int32])]
    ) throws -> [CompletionScore] {
        guard pairs.allSatisfy({ !$0.prefix.isEmpty }) else { throw LanguageModelError.emptyPrompt }
        let scores = try score(
            pairs.map { $0.prefix + $0.continuation },
            of: pairs.map { $0.prefix.map { _ in false } + $0.continuation.map { _ in true } }
        )
        return zip(pairs, scores).map { pair, statistics in
            let answer = statistics.dropFirst(pair.prefix.count - 1)
            return CompletionScore(
                logLikelihood: answer.reduce(0.0) { $0 + Double($1.logProbability) },
                tokenCount: pair.continuation.count,
                isGreedy: answer.allSatisfy(\.isArgmax)
            )
        }
    }
}
