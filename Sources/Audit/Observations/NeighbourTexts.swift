import Foundation
import LanguageModels
import TensorEngine

/// Variants of a record that mean about as much: some of its tokens replaced by others that could stand there.
///
/// Mattern et al. (2023) ask a masked language model for substitutes. There is none here: an untuned causal model says what is
/// likely at a position after the tokens before it, and nothing of those behind it. Each substitute is drawn given the record's
/// own tokens, not the other substitutes.
public struct NeighbourTexts: Sendable {
    private let settings: AttackSuite.Neighbours
    private let root: SeededGenerator

    /// - Parameter seed: decides positions and substitutes.
    public init(_ settings: AttackSuite.Neighbours, seed: UInt64) {
        self.settings = settings
        root = SeededGenerator(seed: seed).derive("neighbours")
    }

    /// The variants of each record, scored tokens in the same places; none for a record without any.
    ///
    /// - Parameters:
    ///   - sequences: the records.
    ///   - model: the untuned model.
    ///   - finished: told how many records are done, after each.
    /// - Returns: `[records][variants]`.
    /// - Throws: `LanguageModelError`; what `finished` throws.
    public func draw(
        of sequences: [ScoredSequence],
        by model: LanguageModel,
        finished: (Int) throws -> Void = { _ in }
    ) throws -> [[ScoredSequence]] {
        try sequences.enumerated().map { number, sequence in
            let positions = sequence.ids.indices.dropFirst().filter { sequence.carriesLoss[$0] }
            let candidates = try model.likeliestTokens(in: sequence.ids, at: positions, count: settings.candidates + 1)
            let substitutes = zip(positions, candidates).map { position, candidates in
                Array(candidates.filter { $0.id != sequence.ids[position] }.prefix(settings.candidates))
            }
            try finished(number + 1)
            if positions.isEmpty { return [] }
            var generator = root.derive("record \(number)")
            return (0..<settings.count).map { _ in
                var variant = sequence
                for place in places(among: positions.count, using: &generator) {
                    if let token = Self.choose(substitutes[place], using: &generator) {
                        variant.ids[positions[place]] = token
                    }
                }
                return variant
            }
        }
    }

    /// Which of a record's scored tokens a variant replaces: the first of a shuffled list.
    private func places(among count: Int, using generator: inout SeededGenerator) -> [Int] {
        let wanted = min(count, max(1, Int((settings.share * Double(count)).rounded())))
        var places = Array(0..<count)
        for index in 0..<wanted {
            places.swapAt(index, index + min(count - index - 1, Int(generator.uniform() * Double(count - index))))
        }
        return Array(places.prefix(wanted))
    }

    /// A token by its probability among the candidates; nil when there is none.
    private static func choose(_ candidates: [LikelyToken], using generator: inout SeededGenerator) -> Int32? {
        guard let first = candidates.first else { return nil }
        let weights = candidates.map { exp(Double($0.logit - first.logit)) }
        var point = generator.uniform() * weights.reduce(0, +)
        for (candidate, weight) in zip(candidates, weights) {
            point -= weight
            if point < 0 { return candidate.id }
        }
        return candidates.last?.id
    }
}
