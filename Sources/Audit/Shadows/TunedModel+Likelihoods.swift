import Federation
import LanguageModels

extension TunedModel {
    /// Mean log-likelihood of each sequence's loss-bearing tokens under an adapter, in nats a token; nil where none carries loss.
    ///
    /// - Parameters:
    ///   - state: the adapter, which is put in place.
    ///   - isCancelled: asked between batches.
    /// - Throws: `LanguageModelError`; `CancellationError`.
    public func meanLogLikelihoods(
        of sequences: [ScoredSequence],
        under state: AdapterState,
        isCancelled: () -> Bool = { false }
    ) throws -> [Double?] {
        self.state = state
        let scores = try ObservationCollector(sequences: sequences, lowered: nil, batchSize: 16)
            .score(model: "shadow") { batch in
                if isCancelled() { throw CancellationError() }
                return try model.observations(of: batch)
            }
        return scores.plain.map { $0.isEmpty ? nil : LogLikelihood.mean($0) }
    }
}
