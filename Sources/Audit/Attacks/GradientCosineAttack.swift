/// GRAD-COS: whether the update points the way in which the record alone would have pulled it. (Li, Li and Ribeiro 2023, "Avg-Cosine").
public struct GradientCosineAttack: Attack {
    /// `GRAD-COS`.
    public let name = "GRAD-COS"
    /// One sentence for the report.
    public let explanation = "Whether the update points the way in which the record alone would have pulled it."
    /// Whose attack it is.
    public let assumption = "The attacker is the coordinator and keeps what it sees of each round."
    /// What it works on.
    public let needs: Set<Evidence> = [.rounds, .gradients]

    /// Has no parameters.
    public init() {}

    /// mean over rounds of cos(g, −Δ).
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { try RoundStatistic.mean(of: $0, \.cosine) }
    }
}
