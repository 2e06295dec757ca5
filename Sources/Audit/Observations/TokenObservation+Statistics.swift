import LanguageModels
import TensorEngine

extension TokenObservation {
    /// Takes over what the engine computed for one token.
    public init(_ statistics: TokenStatistics) {
        self.init(
            logProbability: Double(statistics.logProbability),
            mean: Double(statistics.mean),
            deviation: Double(statistics.deviation),
            isArgmax: statistics.isArgmax
        )
    }
}

extension LanguageModel {
    /// What this model says of sequences, as ``ObservationCollector/Scorer`` asks it; zeros for tokens that carry no loss.
    ///
    /// - Throws: `LanguageModelError`.
    public func observations(of sequences: [ScoredSequence]) throws -> [[TokenObservation]] {
        try score(sequences.map(\.ids), of: sequences.map(\.carriesLoss)).map { $0.map { TokenObservation($0) } }
    }
}
