/// GRAD-NORM: how little the record would still change the adapter. (Pandora (Wang et al. 2024)).
public struct GradientNormAttack: Attack {
    /// `GRAD-NORM`.
    public let name = "GRAD-NORM"
    /// One sentence for the report.
    public let explanation = "How little the record would still change the adapter."
    /// Whose attack it is.
    public let assumption = "The attacker is the coordinator and keeps what it sees of each round."
    /// What it works on.
    public let needs: Set<Evidence> = [.rounds, .gradients]

    /// Has no parameters.
    public init() {}

    /// −‖g‖ under the adapter that the last observed round began with.
    public func scores(of observations: [RecordObservation]) throws -> [Double] {
        try observations.map { observation in
            try RoundStatistic.mean(of: observation.last) { $0.gradientNorm.map { -$0 } }
        }
    }
}
