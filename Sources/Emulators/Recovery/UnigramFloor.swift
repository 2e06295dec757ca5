import Foundation
import Training

/// Word frequencies of the attacker's text as a next-token model: what anybody knows who has the tokenizer and some text.
package struct UnigramFloor {
    private let logProbabilities: [Double]

    /// Counts tokens. Unseen ones share the Good-Turing estimate of their mass, the share of tokens that were seen once,
    /// evenly over the vocabulary.
    package init(text: [[Int32]], vocabulary: Int) {
        var counts = [Int](repeating: 0, count: vocabulary)
        for id in text.joined() { counts[Int(id)] += 1 }
        let total = max(1, counts.reduce(0, +))
        let unseen = Double(counts.count { $0 == 1 } + 1) / Double(total + 1)
        logProbabilities = counts.map { count in
            log((1 - unseen) * Double(count) / Double(total) + unseen / Double(vocabulary))
        }
    }

    /// Nats of every token but the first of each sequence, which nothing predicts.
    package func losses(of sequences: [[Int32]]) -> RecordLosses {
        RecordLosses(
            sums: sequences.map { $0.dropFirst().reduce(0) { $0 - logProbabilities[Int($1)] } },
            tokens: sequences.map { $0.count - 1 }
        )
    }
}
