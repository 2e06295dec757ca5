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
