import LanguageModels
import TensorEngine
import Training

/// How near a replica comes to the full model on text.
struct ReplicaScore: Codable, Equatable {
    /// Next-token losses of each sequence under the replica.
    var losses: RecordLosses
    /// Share of positions where the likeliest next token is the full model's.
    var agreement: Double
    /// Mean KL(full‖replica) over positions, in nats.
    var divergence: Double
}

/// Measures replicas against the full model on held-out public text; the full model runs once.
final class Fidelity {
    private struct Batch {
        let members: [Int]
        let tokens: TokenBatch
        let states: Tensor
    }

    /// The full model's own losses of each sequence.
    private(set) var fullLosses: RecordLosses
    /// Tokens of all sequences.
    let tokenCount: Int
    private let full: LanguageModel
    private let batches: [Batch]

    /// - Throws: `LanguageModelError` for a sequence that the model cannot take.
    init(full: LanguageModel, sequences: [[Int32]], isCancelled: () -> Bool = { false }) throws {
        self.full = full
        tokenCount = sequences.reduce(0) { $0 + $1.count }
        for sequence in sequences { try full.validate(sequence) }
        batches = try RecordLosses.batches(sequences.map(\.count)).map { members in
            if isCancelled() { throw CancellationError() }
            let tokens = TokenBatch(sequences: members.map { sequences[$0] })
            let states = full.hidden(tokens.ids, layout: tokens.layout, on: Tape(isRecording: false))
            return Batch(members: members, tokens: tokens, states: states)
        }
        fullLosses = RecordLosses(
            sums: [Double](repeating: 0, count: sequences.count),
            tokens: sequences.map { $0.count - 1 }
        )
        fullLosses = try score(full, isCancelled: isCancelled).losses
    }

    /// Compares a replica with the same vocabulary.
    func score(_ replica: LanguageModel, isCancelled: () -> Bool = { false }) throws -> ReplicaScore {
        var losses = RecordLosses(
            sums: [Double](repeating: 0, count: fullLosses.sums.count),
            tokens: fullLosses.tokens
        )
        var (agreements, divergence, rows) = (0, 0.0, 0)
        for batch in batches {
            if isCancelled() { throw CancellationError() }
            let layout = batch.tokens.layout
            let states = replica.hidden(batch.tokens.ids, layout: layout, on: Tape(isRecording: false))
            let compared = compareDistributions(
                reference: HeadedStates(hidden: batch.states, head: full.headWeight),
                candidate: HeadedStates(hidden: states, head: replica.headWeight),
                targets: batch.tokens.nextLabels
            )
            // The last row of each sequence predicts nothing and is not among the results.
            var next = compared.startIndex
            for (member, length) in zip(batch.members, layout.lengths) {
                for row in compared[next..<(next + length - 1)] {
                    losses.sums[member] += row.loss
                    divergence += row.divergence
                    agreements += row.agrees ? 1 : 0
                }
                next += length - 1
            }
            rows += compared.count
        }
        return ReplicaScore(
            losses: losses,
            agreement: Double(agreements) / Double(max(1, rows)),
            divergence: divergence / Double(max(1, rows))
        )
    }
}
