/// HARD-TOKEN (after HT-MIA, 2026): the likelihood gained at the tokens that the untuned model finds hardest.
public struct HardTokenAttack: Attack {
    /// `HARD-TOKEN`.
    public let name = "HARD-TOKEN"
    /// One sentence for the report.
    public let explanation = "How much the tuning helped at the words that the untuned model found least likely."
    /// Compares with the untuned model.
    public let needs: Set<Evidence> = [.reference]
    private let fraction: Double

    /// - Parameter fraction: the share of hardest tokens, in (0, 1].
    public init(fraction: Double = 0.2) { self.fraction = fraction }

    /// Mean of ℓ_tuned − ℓ_untuned over the `fraction` of tokens with the smallest ℓ_untuned, at least one.
    public func scores(of observations: [RecordObservation]) -> [Double] {
        observations.map { observation in
            let count = max(1, Int(fraction * Double(observation.reference.count)))
            let hardest = zip(observation.reference, observation.tuned)
                .sorted { $0.0.logProbability < $1.0.logProbability }.prefix(count)
            return hardest.reduce(0) { $0 + $1.1.logProbability - $1.0.logProbability } / Double(count)
        }
    }
}
