/// GRAD-DIFF: whether taking the record’s own pull out of the update makes the update shorter. (Li, Li and Ribeiro 2023, "Grad-Diff").
public struct GradientDifferenceAttack: Attack {
    /// `GRAD-DIFF`.
    public let name = "GRAD-DIFF"
    /// One sentence for the report.
    public let explanation = "Whether taking the record’s own pull out of the update makes the update shorter."
    /// Whose attack it is.
    public let assumption = "The attacker is the coordinator and keeps what it sees of each round."
    /// What it works on.
    public let needs: Set<Evidence> = [.rounds, .gradients]

    /// Has no parameters.
    public init() {}

    /// mean over rounds of ‖u‖² − ‖u − g‖² = 2⟨u, g⟩ − ‖g‖², u scaled to the mean length of the gradients.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { try RoundStatistic.mean(of: $0, \.gradientDifference) }
    }
}
